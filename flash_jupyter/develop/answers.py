"""What the development server answers: a job as the platform shows it, an error as JSON with the remote traceback."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse

from flash_jupyter.decorator.drawing import error_lines
from flash_jupyter.decorator.output import JobOutput
from flash_jupyter.errors import (
    ApiError,
    AuthenticationError,
    CostLimitError,
    FlashError,
    JobTimedOut,
    NotFoundError,
    OptionError,
    OutOfMoneyError,
    RateLimitedError,
    RemoteExecutionError,
    UnreachableError,
)

#: which status a failure has, the first that fits; the code's own exception is 500 (flash-wire.md 8.2)
STATUS: tuple[tuple[type[FlashError], int], ...] = (
    (JobTimedOut, 504),
    (UnreachableError, 502),
    (OutOfMoneyError, 402),
    (CostLimitError, 402),
    (AuthenticationError, 401),
    (RateLimitedError, 429),
    (NotFoundError, 404),
    (ApiError, 503),
    (OptionError, 422),
)


def job_document(output: JobOutput) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the document of a job that is over, as `/status` of the platform has it."""
    times = {"delayTime": output.delay_time_ms, "executionTime": output.execution_time_ms, "workerId": output.worker_id}
    document = {"id": output.id, "status": output.status, **{k: v for k, v in times.items() if v is not None}}
    if output.failure is not None:
        status, error = error_document(output.failure)
        return status, {**document, **error}
    try:
        json.dumps(output.output)
    except (TypeError, ValueError) as error:
        kind = type(output.output).__name__
        return 500, {
            **document,
            "status": "FAILED",
            "error": f"the result is a {kind}, which JSON can't hold ({error})",
            "fix": "return numbers, texts, lists and dicts",
        }
    return 200, {**document, "output": output.output}


def error_document(error: FlashError) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the document of a failure; of the user's code with the frames on the worker."""
    status = next((number for kind, number in STATUS if isinstance(error, kind)), 500)
    document: dict[str, Any] = {"error": error.message, "type": type(error).__name__}
    if error.fix:
        document["fix"] = error.fix
    if isinstance(error, RemoteExecutionError):
        document |= {"type": error.type_name, "traceback": error_lines(error)}
        return 500, document
    return status, document


def answer(status: int, document: dict[str, Any]) -> JSONResponse:
    """Make the response."""
    return JSONResponse(document, status_code=status)


def failure(error: FlashError) -> JSONResponse:
    """Make the response of a failure."""
    return answer(*error_document(error))
