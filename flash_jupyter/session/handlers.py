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

#: kinds of jobs that a handler answers: of somebody's image, and of a deployed app, whose workers serve others too
HANDLER, DEPLOYED = "handler", "deployed"
KINDS = frozenset({HANDLER, DEPLOYED})


def handlers_answer(job: Job) -> bytes | None:
    r"""Return what a handler returned, or why it failed; None where the job ended otherwise.

    >>> handlers_answer(Job(id="j", status=JobState.COMPLETED, output=3))
    b'{"status": "ok"}\\n3'
    """
    if job.status is JobState.COMPLETED:
        return _lines(_order(job.output), _without_events(job.output))
    if job.status is JobState.FAILED and not job.lost_its_worker:
        failure = read_failure(job.error_text)
        error = {"type": failure.message.partition(":")[0], "message": failure.message.partition(": ")[2]}
        return _lines({"status": "error", "error": error, "failed": True}, job.error_text)
    return None


def read_handlers(blob: bytes) -> tuple[dict[str, Any], Any]:
    """Return the order of such an answer, and the output; where `failed` is said, the platform's text of the error."""
    order, _, output = blob.partition(b"\n")
    return json.loads(order), json.loads(output)


def value_of(output: Any) -> Any:
    """Return the value that an output means: a deployed function's travels pickled, another one is what it is.

    Raises `SerializationError` for what can't be unpickled here.
    """
    if not _is_function_response(output):
        return output
    try:
        return cloudpickle.loads(base64.b64decode(output["result"]))
    except Exception as error:  # the classes' own code
        raise SerializationError(
            "the result",
            "the result",
            "it can't be unpickled here",
            reason=f"{type(error).__name__}: {error}",
            fix="install here what it is made of, or return plain values",
        ) from None


def _is_function_response(output: Any) -> bool:
    """Whether it is of our handler for a caller of Python (`worker/handler.py`), and not some JSON of the user's."""
    return isinstance(output, Mapping) and "events_total" in output and isinstance(output.get("result"), str)


def _order(output: Any) -> dict[str, Any]:
    if not isinstance(output, Mapping) or "events_total" not in output:
        return {"status": "ok"}
    told = {name: output[name] for name in ("events", "events_total") if name in output}
    report = (output.get("failure") or {}).get("report")
    return {"status": "error", "error": report, **told} if report else {"status": "ok", **told}


def _without_events(output: Any) -> Any:
    """The output as it is kept: the events stand in the order, and their number here."""
    return {**output, "events": []} if isinstance(output, Mapping) and "events_total" in output else output


def _lines(order: Mapping[str, Any], output: Any) -> bytes:
    return b"\n".join([json.dumps(order).encode(), json.dumps(output).encode()])
