"""What went wrong with the user's code, as plain data: type, message with notes, the user's own frames, and causes."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from flash_jupyter.capsule.blame import type_name
from flash_jupyter.worker.modules import relative_to_shipped


def describe(error: BaseException, filename: str) -> dict[str, Any]:
    """An exception as plain data: type, message, the user's frames, and its causes."""
    chain, seen, cause = [], {id(error)}, _cause_of(error)
    while cause is not None and id(cause) not in seen:
        chain.append({"text": say(cause), "frames": _frames(cause, filename)})
        seen.add(id(cause))
        cause = _cause_of(cause)
    message = _message_of(error)
    return {"type": type_name(error), "message": message, "frames": _frames(error, filename), "chain": chain}


def _cause_of(error: BaseException) -> BaseException | None:
    """What an exception was raised from, or while handling; `raise ... from None` hides the latter."""
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _frames(error: BaseException, filename: str) -> list[dict[str, Any]]:
    return [
        {
            "filename": relative_to_shipped(frame.filename),
            "line": frame.lineno,
            "name": frame.name,
            "text": frame.line or "",
        }
        for frame in _user_frames(error, filename)
    ]


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
    """The text of an exception, with its notes and, of a group, its members, as Python shows them below it."""
    try:
        text = str(error)
    except Exception as broken:  # `__str__` is the user's code
        text = f"<its text raised {type(broken).__name__}>"
    notes = getattr(error, "__notes__", ())
    lines = [str(note) for note in notes] if isinstance(notes, (list, tuple)) else []
    members = getattr(error, "exceptions", ()) if _is_group(error) else ()
    lines += [f"{number}. {say(member)}".replace("\n", "\n   ") for number, member in enumerate(members, 1)]
    return "\n".join([text, *lines])


def _is_group(error: BaseException) -> bool:
    return any(base.__name__ == "BaseExceptionGroup" and base.__module__ == "builtins" for base in type(error).__mro__)


def say(error: BaseException) -> str:
    """Name an exception: its type and its message."""
    message = _message_of(error)
    return f"{type_name(error)}: {message}" if message else type_name(error)


def exit_code(error: SystemExit) -> int:
    """Return the exit code that a `SystemExit` stands for; a text is written to stderr, as Python does."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    sys.stderr.write(f"{error.code}\n")
    return 1
