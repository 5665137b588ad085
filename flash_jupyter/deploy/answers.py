"""From what a deployed function answered to its value, or to the error that it means; on the calling thread.

Results are unpickled only here, and they come from an endpoint of the user's own account (D12).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from flash_jupyter.errors import ApiError, FlashError, JobError, RemoteExecutionError
from flash_jupyter.runtime.answers import RemoteTraceback, read_raised
from flash_jupyter.session.handlers import unpickled
from flash_jupyter.session.started import complete
from flash_jupyter.states import JobState
from flash_jupyter.wire.jobs import Job, read_failure


def read_job(job: Job, label: str, *, is_pickled: bool) -> Any:
    """Return the value of a job that its handler answered; raises what the function raised."""
    if job.status is JobState.FAILED:
        raise _told(job.error_text)
    return _read_output(job.output, label, is_pickled=is_pickled)


def _read_output(output: Any, label: str, *, is_pickled: bool) -> Any:
    if isinstance(output, Mapping) and output.get("success") is False and ("failure" in output or "error" in output):
        raise _raised(output.get("failure") or output)
    if not is_pickled:
        return output
    if not isinstance(output, Mapping) or "result" not in output:
        raise JobError(
            f"{label} answered {type(output).__name__}, which this version does not understand",
            fix="build and send the app again with this version",
        )
    return unpickled(output["result"], f"the result of {label}")


def has_failure(answer: httpx.Response) -> bool:
    """Whether an answer says what the function behind a route raised, and where (`worker/api.py`)."""
    if answer.status_code != 500 or "json" not in answer.headers.get("content-type", ""):
        return False
    said = answer.json()
    return isinstance(said, dict) and "report" in said


def read_route(answer: httpx.Response) -> Any:
    """Return the value of a route: its JSON, else its text, else its bytes; nothing is None.

    Raises `RemoteExecutionError` for what its function raised.
    """
    if has_failure(answer):
        raise _raised(answer.json())
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


def _raised(said: Mapping[str, Any]) -> RemoteExecutionError:
    """What the function raised, in its own type where that exists here; of one without frames the text shows where."""
    error, original = read_raised(said)
    return _with_text(complete(error, original, None), str(said.get("traceback") or ""))


def _told(text: str) -> RemoteExecutionError:
    """The error of a job that failed: the SDK's JSON has a traceback."""
    try:
        trace = str(json.loads(text)["error_traceback"])
    except (ValueError, TypeError, KeyError):
        trace = ""
    return _with_text(read_failure(text), trace)


def _with_text(error: RemoteExecutionError, trace: str) -> RemoteExecutionError:
    if trace and not error.frames:
        error.__cause__ = RemoteTraceback(trace)
    return error
