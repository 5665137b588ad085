"""What a job came back with that no driver of ours ran: what a deployed function, or an image's own handler answered.

It is kept as two lines of JSON: what an answer's order says (status, error, events), and the output, or why it failed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import cloudpickle

from flash_jupyter.errors import SerializationError
from flash_jupyter.states import JobState
from flash_jupyter.wire.jobs import Job, read_failure

#: kinds of jobs that a handler answers: of somebody's image; of a deployed app, in our form or as plain JSON
HANDLER, DEPLOYED, DEPLOYED_PLAIN = "handler", "deployed", "deployed-plain"
KINDS = frozenset({HANDLER, DEPLOYED, DEPLOYED_PLAIN})
#: those whose workers serve others too
SHARED = frozenset({DEPLOYED, DEPLOYED_PLAIN})


def handlers_answer(job: Job, kind: str) -> bytes | None:
    r"""Return what a handler returned, or why it failed; None where the job ended otherwise.

    Only of a `DEPLOYED` job, which was asked for in our form, the answer is read: others' keys are the user's own.

    >>> handlers_answer(Job(id="j", status=JobState.COMPLETED, output=3), HANDLER)
    b'{"status": "ok"}\n3'
    """
    if job.status is JobState.COMPLETED:
        if kind == DEPLOYED and _is_function_response(job.output):
            return _lines(_order(job.output), {**job.output, "events": []})
        return _lines({"status": "ok"}, job.output)
    if job.status is JobState.FAILED and not job.lost_its_worker:
        failure = read_failure(job.error_text)
        error = {"type": failure.message.partition(":")[0], "message": failure.message.partition(": ")[2]}
        return _lines({"status": "error", "error": error, "failed": True}, job.error_text)
    return None


def read_handlers(blob: bytes) -> tuple[dict[str, Any], Any]:
    """Return the order of such an answer, and the output; where `failed` is said, the platform's text of the error.

    Raises `SerializationError` for what is no such answer.
    """
    order, _, output = blob.partition(b"\n")
    try:
        return dict(json.loads(order)), json.loads(output)
    except ValueError:
        raise SerializationError(
            "the result",
            "the result",
            "what was written down of it can't be read",
            reason="another version of this package wrote it",
            fix="run it again",
        ) from None


def value_of(order: Mapping[str, Any], output: Any) -> Any:
    """Return the value that an answer means: a deployed function's travels pickled, another one is what it is.

    Raises `SerializationError` for what can't be unpickled here.
    """
    if "events_total" not in order or not isinstance(output.get("result"), str):
        return output
    return unpickled(output["result"])


def unpickled(text: str, path: str = "the result") -> Any:
    """Return the value that travelled in base64; `path` is what it is in the `SerializationError` where it can't."""
    try:
        return cloudpickle.loads(base64.b64decode(text))
    except Exception as error:  # the classes' own code
        raise SerializationError(
            "the result",
            path,
            "it can't be unpickled here",
            reason=f"{type(error).__name__}: {error}",
            fix="install here what it is made of, or return plain values",
        ) from None


def _is_function_response(output: Any) -> bool:
    """Whether it is of our handler for a caller of Python (`worker/handler.py`), and not some JSON of the user's."""
    return isinstance(output, Mapping) and "success" in output and "events_total" in output


def _order(output: Mapping[str, Any]) -> dict[str, Any]:
    """What our handler says beside its value; its events stand here only."""
    told = {name: output[name] for name in ("events", "events_total") if name in output}
    report = (output.get("failure") or {}).get("report")
    return {"status": "error", "error": report, **told} if report else {"status": "ok", **told}


def _lines(order: Mapping[str, Any], output: Any) -> bytes:
    return b"\n".join([json.dumps(order).encode(), json.dumps(output).encode()])
