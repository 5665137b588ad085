"""Who may ask: every route wants the key, raw or as a bearer token, before anything else is looked at.

An endpoint has a key of its own, which opens its data plane only (`aiKey` of flash-wire.md 1.3 and 3.5). Two paths look
for themselves who may ask: GraphQL has two login operations without a key, and a presigned URL carries a signature.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from flash_jupyter.emulator.planes import Plane, plane_of, refusal

GRAPHQL = "/graphql"
ARTIFACTS = "/artifacts/"
#: set in the scope of a request that has the key
HAS_KEY = "flash_jupyter.has_key"


class RequireKey:
    """Answers 401 to a request without the key; calls `seen` with the path of every other."""

    def __init__(self, app: ASGIApp, *, api_key: str, seen: Callable[[str], None]) -> None:
        self._app, self._seen, self._api_key = app, seen, api_key
        self._accepted = (f"Bearer {api_key}".encode(), api_key.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the lifespan and requests with the key pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        path = scope["path"]
        if any(hmac.compare_digest(given, accepted) for accepted in self._accepted) or self._is_endpoints(path, given):
            self._seen(path)
            scope[HAS_KEY] = True
            await self._app(scope, receive, send)
        elif path == GRAPHQL or path.startswith(ARTIFACTS):
            await self._app(scope, receive, send)
        else:
            await _refusal(path, given)(scope, receive, send)

    def _is_endpoints(self, path: str, given: bytes) -> bool:
        words = path.split("/", 3)
        if len(words) < 4 or words[1] != "v2":
            return False
        return hmac.compare_digest(given, f"Bearer {endpoint_key(self._api_key, words[2])}".encode())


def endpoint_key(api_key: str, endpoint_id: str) -> str:
    """Return an endpoint's own key: nothing to store, nothing to guess."""
    return hmac.new(api_key.encode(), f"endpoint {endpoint_id}".encode(), hashlib.sha256).hexdigest()


def _refusal(path: str, given: bytes) -> JSONResponse:
    if plane_of(path) is Plane.DATA:
        return refusal(path, 401, "the API key is missing or wrong")
    return refusal(path, 401, "invalid bearer token" if given else "missing bearer token")
