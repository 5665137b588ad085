"""What went wrong with the user's code, as plain data: type, message, the user's own frames, and causes."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from flash_jupyter.capsule.blame import type_name


def describe(error: BaseException, filename: str) -> dict[str, Any]:
    """An exception as plain data: type, message, the user's frames, and its causes."""
    chain, seen, cause = [], {id(error)}, error.__cause__ or (not error.__suppress_context__ and error.__context__)
    while cause and id(cause) not in seen:
        chain.append(say(cause))
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    frames = [
        {"filename": frame.filename, "line": frame.lineno, "name": frame.name, "text": frame.line or ""}
        for frame in _user_frames(error, filename)
    ]
    return {"type": type_name(error), "message": _message_of(error), "frames": frames, "chain": chain}


def _user_frames(error: BaseException, filename: str) -> list[traceback.FrameSummary]:
    # the joined text is one file, named as its module; apart, its modules lie in one folder
    ours = __name__ if __name__.startswith("_") else str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(ours)]
    first = next((index for index, frame in enumerate(frames) if frame.filename == filename), None)
    if first is not None:
        return frames[first:]
    if isinstance(error, SyntaxError) and error.filename == filename:
        return [traceback.FrameSummary(filename, error.lineno or 0, "<module>", line=error.text or "")]
    return frames[-1:]


def _message_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # `__str__` is the user's code
        return f"<its text raised {type(broken).__name__}>"


def say(error: BaseException) -> str:
    """Name an exception in one line: its type and its message."""
    return f"{type_name(error)}: {_message_of(error)}"


def exit_code(error: SystemExit) -> int:
    """Return the exit code that a `SystemExit` stands for; a text is written to stderr, as Python does."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    sys.stderr.write(f"{error.code}\n")
    return 1
