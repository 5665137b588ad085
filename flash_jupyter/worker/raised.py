"""What a function of a bundle raised, for Python callers: its traceback, its frames, and what the exception holds.

Its type, its arguments and its attributes travel, and not the exception: many a class can't be made of its `args`.
"""

from __future__ import annotations

import base64
import traceback
from pathlib import Path
from typing import Any

import cloudpickle

#: files of ours, which are nothing to the user
OURS = str(Path(__file__).parents[1])
#: of a larger exception only the text travels
LARGEST_BYTES = 1 << 20


def describe(error: BaseException) -> dict[str, Any]:
    """Return `traceback` as text, `report` as `RemoteExecutionError` has it, `exception` as pickled parts."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"traceback": text, "report": _report(error), **_pickled(error)}


def _report(error: BaseException) -> dict[str, Any]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    frames = [
        {"filename": frame.filename, "line": frame.lineno, "name": frame.name, "text": frame.line or ""}
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(OURS)
    ]
    return {"type": name, "message": str(error), "said": str(error), "frames": frames}


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
