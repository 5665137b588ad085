"""From what a deployed function answered to its value, or to the error that it means; on the calling thread.

Results are unpickled only here, and they come from an endpoint of the user's own account (D12).
"""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Mapping
from typing import Any

import cloudpickle
import httpx

from flash_jupyter.errors import ApiError, FlashError, JobError, RemoteExecutionError, SerializationError
from flash_jupyter.session.follow import failure_of
from flash_jupyter.session.started import complete
from flash_jupyter.states import JobState
from flash_jupyter.wire.jobs import Job, read_failure

_FRAME = re.compile(r'^  File "(?P<filename>.+)", line (?P<line>\d+), in (?P<name>.+)$(?:\n    (?P<text>.*)$)?', re.M)
#: what Python writes between two exceptions
_BETWEEN = re.compile(
    r"\n\n(?:(The above exception was the direct cause of)|During handling of the above exception, another) .*\n\n"
)
_OURS = re.compile(r"/flash_jupyter/(worker|runtime)/")
_LIBRARY = re.compile(r"/lib/python[\d.]+/(?!(site|dist)-packages)")


def read_job(job: Job, label: str, *, is_pickled: bool) -> Any:
    """Return the value of a job that is over.

    Raises `RemoteExecutionError` for what the function raised, and `JobError`s for what befell the job.
    """
    if job.status is JobState.COMPLETED:
        return _read_output(job.output, label, is_pickled=is_pickled)
    if job.status is JobState.FAILED and "worker lost" not in job.error_text.lower():
        # the SDK's worker makes a failure of every output that has an `error`; the rest of the output is still there
        rest = job.output if isinstance(job.output, Mapping) else {}
        raise raised(job.error_text, str(rest["traceback"])) if "traceback" in rest else _told(job.error_text)
    failure = failure_of(job, "")
    fix = f"call {label} again" if failure.fix.startswith(("run the cell", "run it")) else failure.fix
    raise type(failure)(failure.message, fix=fix, platform_id=job.id, worker_id=job.worker_id or "")


def _read_output(output: Any, label: str, *, is_pickled: bool) -> Any:
    if isinstance(output, Mapping) and output.get("success") is False and "error" in output:
        raise raised(str(output["error"]), str(output.get("traceback") or ""))
    if not is_pickled:
        return output
    if not isinstance(output, Mapping) or "result" not in output:
        raise JobError(
            f"{label} answered {type(output).__name__}, which this version does not understand",
            fix="build and send the app again with this version",
        )
    try:
        return cloudpickle.loads(base64.b64decode(output["result"]))
    except Exception as error:  # the classes' own code
        raise SerializationError(
            "the result",
            f"the result of {label}",
            "it can't be unpickled here",
            reason=f"{type(error).__name__}: {error}",
            fix="install here what it is made of, or return plain values",
        ) from None


def has_failure(answer: httpx.Response) -> bool:
    """Whether an answer says what the function behind a route raised, and where."""
    if answer.status_code != 500 or "json" not in answer.headers.get("content-type", ""):
        return False
    said = answer.json()
    return isinstance(said, dict) and "traceback" in said


def read_route(answer: httpx.Response) -> Any:
    """Return the value of a route: its JSON, else its text, else its bytes; nothing is None.

    Raises `RemoteExecutionError` for what its function raised.
    """
    if has_failure(answer):
        said = answer.json()
        raise raised(str(said.get("detail", "")), str(said["traceback"]))
    if not answer.content:
        return None
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json" or kind.endswith("+json"):
        return answer.json()
    return answer.text if kind.startswith("text/") else answer.content


def read_refusal(failure: ApiError, label: str) -> FlashError:
    """Return what an answer of 400 and more means: what the function raised, or the platform's own error.

    >>> print(read_refusal(ApiError("...", status=500, detail="KeyError: 'tea'"), "price").message)
    KeyError: 'tea'
    """
    name, separator, message = failure.detail.partition(": ")
    if failure.status != 500 or not (separator and name.isidentifier()):
        return failure
    error = RemoteExecutionError(name, message, fix=f"its traceback is in the log of the worker of {label}")
    return complete(error, None, None)


def _told(text: str) -> RemoteExecutionError:
    """The error of a job that failed: the SDK's JSON has a traceback."""
    try:
        told = json.loads(text)
        trace = str(told["error_traceback"])
    except (ValueError, TypeError, KeyError):
        return read_failure(text)
    return raised(str(told.get("error_message", "")), trace)


def raised(message: str, trace: str) -> RemoteExecutionError:
    r"""Make an exception of Python's own text of a traceback, in its own type where that exists here.

    >>> text = 'Traceback (most recent call last):\n  File "/app/a.py", line 2, in f\n    1 / 0\nValueError: bad\n'
    >>> error = raised("bad", text)
    >>> str(error), error.type_name, error.frames[0]["line"], isinstance(error, ValueError)
    ('bad', 'ValueError', 2, True)
    """
    parts = _BETWEEN.split(trace)  # texts, and between two of them the word of `cause` or None
    texts, words = parts[::2], parts[1::2]
    type_name, said = _last_line(texts[-1], message)
    chain = [
        {
            "type": _last_line(text, "")[0],
            "message": _last_line(text, "")[1],
            "text": ": ".join(filter(None, _last_line(text, ""))),
            "frames": _frames(text),
            "how": "cause" if word else "context",
        }
        for text, word in zip(reversed(texts[:-1]), reversed(words), strict=True)
    ]
    error = RemoteExecutionError(type_name, said, frames=_frames(texts[-1]), chain=chain)
    return complete(error, None, None)


def _last_line(text: str, message: str) -> tuple[str, str]:
    """Type and message of a traceback, whose last frame stands before them; a message may have several lines."""
    frames = list(_FRAME.finditer(text))
    rest = text[frames[-1].end() :] if frames else text
    lines = [line for line in rest.strip("\n").split("\n") if not line.startswith("    ")]
    name, _, said = "\n".join(lines).partition(": ")
    return (name.strip(), said) if re.fullmatch(r"[\w.]+", name.strip()) else ("Exception", message)


def _frames(text: str) -> list[dict[str, Any]]:
    """The user's frames: those of the worker and of what it calls them with stand before them."""
    found = [
        {"filename": each["filename"], "line": int(each["line"]), "name": each["name"], "text": each["text"] or ""}
        for each in _FRAME.finditer(text)
    ]
    after = max((number for number, frame in enumerate(found, 1) if _OURS.search(str(frame["filename"]))), default=0)
    own = itertools.dropwhile(lambda frame: _LIBRARY.search(str(frame["filename"])), found[after:])
    return list(own) or found[-1:]
