"""A short way to the data plane's routes: a table instead of Starlette's row of sixty patterns.

Each job is a handful of small requests, and the search for their route took a tenth of the server's time (measured
2026-11-22). What the table does not know goes the long way.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

#: method, operation, and how many words the path has
Key = tuple[str, str, int]


class Shortcuts:
    """Takes requests to `/v2/{endpoint_id}/OPERATION/...` of endpoints that there are; `routes` are those of them."""

    def __init__(self, app: ASGIApp, *, routes: Iterable[Route], endpoints: Container[str]) -> None:
        self._app, self._endpoints = app, endpoints
        self._table: dict[Key, tuple[Route, tuple[str, ...]]] = {}
        for route in routes:
            _, version, owner, operation, *more = route.path.split("/")
            assert (version, owner) == ("v2", "{endpoint_id}"), route.path
            names = ("endpoint_id", *(word.strip("{}") for word in more))
            for method in route.methods or ():
                self._table[method, operation, len(more)] = route, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go to the route at once, or on."""
        words: list[str] = scope["path"].split("/") if scope["type"] == "http" else []
        if len(words) >= 4 and words[1] == "v2" and words[2] in self._endpoints and all(words[4:]):
            found = self._table.get((scope["method"], words[3], len(words) - 4))
            if found is not None:
                route, names = found
                scope["path_params"] = dict(zip(names, (words[2], *words[4:]), strict=True))
                response = await route.endpoint(Request(scope, receive, send))
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
