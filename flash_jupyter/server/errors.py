"""Which HTTP status an error of ours has, and how it is told: what happened, and what to do next."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flash_jupyter.errors import ApiError, EmulatorError, FlashError, OptionError, UnreachableError


class BadRequestError(OptionError):
    """A request has a value that can't be meant."""


#: the first that fits; an `ApiError` has the platform's own status where it answered with one
STATUSES: tuple[tuple[type[FlashError], HTTPStatus], ...] = (
    (BadRequestError, HTTPStatus.BAD_REQUEST),
    (OptionError, HTTPStatus.NOT_FOUND),  # the path names what is not there
    (UnreachableError, HTTPStatus.BAD_GATEWAY),
    (ApiError, HTTPStatus.BAD_GATEWAY),
    (EmulatorError, HTTPStatus.INTERNAL_SERVER_ERROR),
    (FlashError, HTTPStatus.CONFLICT),  # the user's settings, or the job, do not allow it
)


def status_of(error: FlashError) -> int:
    """Return the HTTP status that an error is answered with.

    >>> [status_of(error) for error in (ApiError("429", status=429), UnreachableError("silent"), OptionError("no job"))]
    [429, 502, 404]
    """
    if isinstance(error, ApiError) and error.status >= HTTPStatus.BAD_REQUEST:
        return error.status
    return int(next(status for kind, status in STATUSES if isinstance(error, kind)))


def document_of(error: BaseException, *, status: int = 500, message: str = "") -> dict[str, Any]:
    """Return an error as it is answered; of one that is not ours only its name, for its text may hold anything.

    >>> document_of(OptionError("there is no job fj-1", fix="see %flash jobs"))
    {'type': 'OptionError', 'message': 'there is no job fj-1', 'fix': 'see %flash jobs', 'status': 404}
    """
    if isinstance(error, FlashError):
        return {
            "type": type(error).__name__,
            "message": error.message,
            "fix": error.fix,
            "status": status_of(error),
        }
    fix = "look at the log of the Jupyter server, and please report it" if status == 500 else ""
    return {"type": type(error).__name__, "message": message or "a mistake of ours", "fix": fix, "status": status}
