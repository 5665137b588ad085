"""How a call of another resource ended: its value, or an error with the traceback of the other side below ours."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import cloudpickle

from flash_jupyter.errors import FlashError, JobError, JobTimedOut, ProtocolError, RemoteExecutionError, WorkerLost
from flash_jupyter.own_type import in_own_type
from flash_jupyter.runtime.request import Call
from flash_jupyter.states import JobState
from flash_jupyter.wire.jobs import Job, read_error, read_failure


class RemoteTraceback(Exception):
    """The traceback of the other side, as the cause of what is raised on this one."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}" if self.args else ""


def read_job(job: Job, call: Call) -> Any:
    """Return the value of a job that is over, or raise why there is none."""
    if job.status is JobState.COMPLETED:
        return read_response(job.output, call)
    ids = {"platform_id": job.id, "worker_id": job.worker_id or ""}
    where = f"{call.label} on {call.resource}"
    if job.status is JobState.TIMED_OUT:
        limit = "" if call.timeout_s is None else f" ({call.timeout_s:.1f} s, what its caller had left)"
        raise JobTimedOut(f"{where} was stopped: its time{limit} is over", fix=MORE_TIME, **ids)
    if job.status is JobState.CANCELLED:
        raise JobError(f"the job of {where} was cancelled", fix="call it again", **ids)
    if job.lost_its_worker:
        what = read_error(job.error_text).partition("\n")[0].partition(":")[2].strip()
        raise WorkerLost(
            f"the worker of {where} died while it ran the job; it was not run again\n    {what}",
            fix=f"look at its last lines: flash logs {call.resource}; {call.name}.options(retries=1) sends it again",
            **ids,
        )
    raise read_failure(job.error_text)


#: what gives a call more time
MORE_TIME = "give the endpoint of the caller a longer executionTimeoutMs="


def read_response(output: Any, call: Call) -> Any:
    """Read a FunctionResponse; raises `RemoteExecutionError` for what the function raised."""
    if not isinstance(output, Mapping) or "success" not in output:
        raise ProtocolError(
            f"{call.resource} answered {type(output).__name__}, which is no FunctionResponse",
            fix="build and deploy both resources with the same flash_jupyter",
        )
    if not output["success"]:
        raise failure_of(output.get("failure") or output, call)
    if output.get("result") is None:
        return output.get("json_result")
    try:
        return cloudpickle.loads(base64.b64decode(output["result"]))
    except Exception as error:  # unpickling runs the value's own code
        raise ProtocolError(
            f"what {call.label} returned can't be unpickled here: {type(error).__name__}: {error}",
            fix=f"let the module of {call.resource} return what the caller can import too",
        ) from error


def failure_of(said: Mapping[str, Any], call: Call) -> FlashError:
    """Make the exception that the other side raised, of its own type too where that exists here."""
    made = in_own_type(*read_raised(said))
    if text := str(said.get("traceback") or "").rstrip():
        made.__cause__ = RemoteTraceback(f"{call.label}, on a worker of {call.resource}:\n\n{text}\n")
    return made


def read_raised(said: Mapping[str, Any]) -> tuple[RemoteExecutionError, object]:
    """Read what `worker/handler.py` says of an exception: the error, and the exception itself where it could travel."""
    report = dict(said.get("report") or _from_text(str(said.get("error")), str(said.get("traceback") or "").rstrip()))
    frames, chain = report.get("frames", ()), report.get("chain", ())
    message = str(report.get("message", ""))
    error = RemoteExecutionError(str(report["type"]), message, frames=frames, chain=chain, report=report)
    return error, _unpickled(said.get("exception"))


def _from_text(error: str, traceback: str) -> Mapping[str, Any]:
    """A worker of the released package says no more than this (flash-wire.md 4.4)."""
    last = (traceback.splitlines() or [""])[-1]
    return {"type": last.partition(":")[0] or "Exception", "message": error, "said": error}


def _unpickled(text: Any) -> object:
    """The exception, of its parts; None where its type does not exist here, or did not travel."""
    if not isinstance(text, str):
        return None
    try:
        kind, args, attributes = cloudpickle.loads(base64.b64decode(text))
        found: BaseException = kind.__new__(kind, *args)
        found.args = args
        found.__dict__.update(attributes)
    except Exception:  # it runs the exception's own code
        return None
    return found
