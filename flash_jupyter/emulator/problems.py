"""Error answers of the control plane: RFC 9457 `application/problem+json`, `ErrorResponse` of the REST v2 document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus

from starlette.responses import JSONResponse

#: Python 3.13 calls this status `Unprocessable Content` (RFC 9110); the platform uses the older name
TITLES = {422: "Unprocessable Entity"}


class Problem(Exception):
    """An answer that is an error; a route raises it."""

    def __init__(
        self, status: int, detail: str, *, errors: Sequence[str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.errors, self.headers = list(errors), dict(headers or {})

    def response(self) -> JSONResponse:
        """Return the answer; `errors` only where there are any."""
        body: dict[str, object] = {
            "title": TITLES.get(self.status) or HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        return JSONResponse(body, self.status, headers=self.headers, media_type="application/problem+json")


def invalid(errors: Iterable[str]) -> Problem:
    """Return the problem of a body or query that breaks its schema; `errors` has one line for each thing."""
    return Problem(422, "Request validation failed.", errors=list(errors))
