"""Which plane of the platform a path belongs to, and how that plane refuses.

The control plane answers RFC 9457 `application/problem+json`, `ErrorResponse` of the REST v2 document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
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


#: paths that belong to no plane
GRAPHQL = "/graphql"
ARTIFACTS = "/artifacts/"
#: first words of REST v2's paths (reference/openapi-v2.json); no endpoint has such an id. Those that nobody serves here
#: are control plane too: their 404 is a problem document
_CONTROL_WORDS = frozenset(
    ("serverless", "templates", "network-volumes", "catalog", "billing", "registries", "pods", "clusters", "account")
)


class Plane(Enum):
    """REST v2, the retired REST v1, and the data plane."""

    CONTROL = "control"
    REST_V1 = "v1"
    DATA = "data"


def plane_of(path: str) -> Plane:
    """Return the plane of a path.

    >>> plane_of("/v2/serverless/abc").value, plane_of("/v1/networkvolumes").value, plane_of("/v2/abc/run").value
    ('control', 'v1', 'data')
    """
    words = path.split("/")[1:3]
    if words[0] == "v1":
        return Plane.REST_V1
    return Plane.CONTROL if words[0] == "v2" and words[-1] in _CONTROL_WORDS else Plane.DATA


def refusal(path: str, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return an error answer as the path's plane words it."""
    plane = plane_of(path)
    if plane is Plane.CONTROL:
        return Problem(status, detail, headers=headers).response()
    key = "message" if plane is Plane.REST_V1 else "error"
    return JSONResponse({key: detail}, status, headers)
