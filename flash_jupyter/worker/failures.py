"""What went wrong with the user's code, as plain data: type, message with notes, the user's own frames, and causes.

Versions of libraries are told with every answer, and compared with the notebook's after a failure.
"""

from __future__ import annotations

import linecache
import sys
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flash_jupyter.capsule.blame import type_name
from flash_jupyter.worker.modules import relative_to_shipped

#: of an endless recursion, so many frames at its beginning and at its end
FRAME_ENDS = 50
#: of the text of an exception
TEXT_CHARS = 20_000
#: exceptions of one group, and groups in groups, as Python's own traceback shows them
MEMBERS, MEMBER_DEPTH = 15, 10

#: how an exception of the chain led to the next one
CAUSE, CONTEXT = "cause", "context"


def describe(error: BaseException, filename: str) -> dict[str, Any]:
    """An exception as plain data, with its `chain`: what it was raised from, or while handling, the nearest first."""
    chain, seen = list[dict[str, Any]](), {id(error)}
    found = _before(error)
    while found is not None and id(found[0]) not in seen:
        cause, how = found
        chain.append({**_one(cause, filename), "text": say(cause), "how": how})
        seen.add(id(cause))
        found = _before(cause)
    return {**_one(error, filename), "chain": chain}


def _before(error: BaseException) -> tuple[BaseException, str] | None:
    """What an exception was raised from, or while handling; `raise ... from None` hides the latter."""
    if error.__cause__ is not None:
        return error.__cause__, CAUSE
    if error.__context__ is not None and not error.__suppress_context__:
        return error.__context__, CONTEXT
    return None


def _one(error: BaseException, filename: str, depth: int = 0) -> dict[str, Any]:
    """One exception: `message` is all that it says, `said` its text without notes and members."""
    frames = _user_frames(error, filename)
    left_out = max(0, len(frames) - 2 * FRAME_ENDS)
    kept = frames if not left_out else [*frames[:FRAME_ENDS], *frames[-FRAME_ENDS:]]
    members = _members(error) if depth < MEMBER_DEPTH else ()
    return {
        "type": type_name(error),
        "message": _message_of(error),
        "said": _text_of(error),
        "notes": _notes(error),
        "frames": [_frame(*place) for place in kept],
        "left_out": left_out,
        "members": [_one(member, filename, depth + 1) for member in members[:MEMBERS]],
        "more_members": max(0, len(members) - MEMBERS),
    }


def _frame(filename: str, line: int, name: str) -> dict[str, Any]:
    text = linecache.getline(filename, line).strip()
    return {"filename": relative_to_shipped(filename), "line": line, "name": name, "text": text}


def _user_frames(error: BaseException, filename: str) -> list[tuple[str, int, str]]:
    # the joined text is one file, named as its module; apart, its modules lie in one folder
    ours = __name__ if __name__.startswith("_") else str(Path(__file__).parent)
    walked = [(frame.f_code.co_filename, line, frame.f_code.co_name)
              for frame, line in traceback.walk_tb(error.__traceback__)]  # fmt: skip
    frames = [place for place in walked if not place[0].startswith(ours)]
    first = next((index for index, place in enumerate(frames) if place[0] == filename), None)
    if first is not None:
        return frames[first:]
    if isinstance(error, SyntaxError) and error.filename == filename:
        return [(filename, error.lineno or 0, "<module>")]
    return frames[-1:]


def _text_of(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as broken:  # `__str__` is the user's code
        return f"<its text raised {type(broken).__name__}>"
    more = len(text) - TEXT_CHARS
    return text if more <= 0 else f"{text[:TEXT_CHARS]}… ({more:,} more characters)"


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", ())
    return [str(note) for note in notes] if isinstance(notes, (list, tuple)) else []


def _members(error: BaseException) -> tuple[BaseException, ...]:
    """The exceptions of a group; Python 3.10 has none."""
    is_group = any(
        base.__name__ == "BaseExceptionGroup" and base.__module__ == "builtins" for base in type(error).__mro__
    )
    return tuple(error.exceptions) if is_group else ()  # type: ignore[attr-defined]


def _message_of(error: BaseException) -> str:
    """The text of an exception, with its notes and, of a group, its members, as Python shows them below it."""
    lines = [_text_of(error), *_notes(error)]
    lines += [f"{number}. {say(member)}".replace("\n", "\n   ") for number, member in enumerate(_members(error), 1)]
    return "\n".join(lines)


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


#: libraries whose objects come home, and whose pickles depend on their version
LIBRARIES = ("cloudpickle", "numpy", "pandas", "polars", "pyarrow", "scipy", "sklearn", "torch")


def loaded_versions(asked: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of what is loaded here, of `asked` and the usual libraries."""
    loaded = [(name, sys.modules[name]) for name in sorted({*asked, *LIBRARIES}) if name in sys.modules]
    return {name: str(version) for name, module in loaded if (version := getattr(module, "__version__", None))}


def skew_text(home: Mapping[str, str]) -> str:
    """Say which libraries have another version here than in the notebook; empty where none has.

    >>> import cloudpickle
    >>> skew_text({"cloudpickle": cloudpickle.__version__, "nowhere": "1"})
    ''
    """
    here = loaded_versions(home)
    found = [
        f"{name} is {here[name]} here and {version} in the notebook"
        for name, version in home.items()
        if here.get(name, version) != version
    ]
    return f" ({'; '.join(found)})" if found else ""
