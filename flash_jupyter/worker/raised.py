"""What a function of a bundle raised, for Python callers: its traceback, its frames, and what the exception holds.

Its type, its arguments and its attributes travel, and not the exception: many a class can't be made of its `args`.
"""

from __future__ import annotations

import base64
import os
import traceback
from itertools import dropwhile
from pathlib import Path
from typing import Any

import cloudpickle

#: files of ours, which are nothing to the user
OURS = str(Path(__file__).parents[1])
#: of Python itself: between us and the user's function stand those of its threads
PYTHON = str(Path(os.__file__).parent)
#: of a larger exception only the text travels
LARGEST_BYTES = 1 << 20


def describe(error: BaseException) -> dict[str, Any]:
    """Return `traceback` as text, `report` as `RemoteExecutionError` has it, `exception` as pickled parts."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"traceback": text, "report": _report(error), **_pickled(error)}


def _report(error: BaseException) -> dict[str, Any]:
    """The exception, and in its `chain` what it was raised from, or while handling, the nearest first."""
    chain, seen = list[dict[str, Any]](), [error]
    while (before := _before(seen[-1])) is not None and all(before is not each for each in seen):
        said = _one(before)
        how = "cause" if before is seen[-1].__cause__ else "context"
        chain.append({**said, "text": ": ".join(filter(None, (said["type"], said["message"]))), "how": how})
        seen.append(before)
    return {**_one(error), "chain": chain}


def _before(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _one(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    frames = [
        {"filename": frame.filename, "line": frame.lineno, "name": frame.name, "text": frame.line or ""}
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(OURS)
    ]
    own = list(dropwhile(_is_pythons, frames)) or frames
    return {"type": name, "message": str(error), "said": str(error), "frames": own}


def _is_pythons(frame: dict[str, Any]) -> bool:
    return str(frame["filename"]).startswith(PYTHON) and "site-packages" not in str(frame["filename"])


def _pickled(error: BaseException) -> dict[str, str]:
    kind = getattr(type(error), "remote_type", None) or type(error)  # what came from a third resource is passed on
    for parts in ((kind, error.args, vars(error)), (kind, error.args, {})):
        try:
            content = cloudpickle.dumps(parts)
        except Exception:  # pickling runs the code of what the exception holds
            continue
        if len(content) <= LARGEST_BYTES:
            return {"exception": base64.b64encode(content).decode()}
    return {}
