"""Who may ask: every route wants the key, raw or as a bearer token, before anything else is looked at.

An endpoint has a key of its own, which opens its data plane only (`aiKey` of flash-wire.md 1.3 and 3.5); its workers
have that one. A restricted key opens what it was made for (`keys.py`). Two paths look for themselves who may ask:
GraphQL has two login operations without a key, and a presigned URL carries a signature.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from flash_jupyter.emulator.endpoint_key import endpoint_key
from flash_jupyter.emulator.keys import Access, Keys
from flash_jupyter.emulator.problems import ARTIFACTS, GRAPHQL, Plane, plane_of, refusal

#: set in the scope of a request that has the key
HAS_KEY = "flash_jupyter.has_key"
#: set in the scope of a request whose key may change nothing
READS_ONLY = "flash_jupyter.reads_only"


class RequireKey:
    """Answers 401 to a request without the key; calls `seen` with the path of every other."""

    def __init__(self, app: ASGIApp, *, api_key: str, keys: Keys, access: Access, seen: Callable[[str], None]) -> None:
        self._app, self._seen, self._api_key = app, seen, api_key
        self._keys, self._access = keys, access
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
        elif (restricted := self._keys.of(given)) is not None:
            if self._access.allows(restricted, scope):
                self._seen(path)
                scope[HAS_KEY], scope[READS_ONLY] = True, restricted.account != "write"
                await self._app(scope, receive, send)
            else:
                await _not_allowed(path, restricted.id)(scope, receive, send)
        elif path == GRAPHQL or path.startswith(ARTIFACTS):
            await self._app(scope, receive, send)
        else:
            await _refusal(path, given)(scope, receive, send)

    def _is_endpoints(self, path: str, given: bytes) -> bool:
        words = path.split("/", 3)
        if len(words) < 4 or words[1] != "v2":
            return False
        key = endpoint_key(self._api_key, words[2]).encode()
        return hmac.compare_digest(given.removeprefix(b"Bearer "), key)


def _not_allowed(path: str, name: str) -> JSONResponse:
    status = 401 if plane_of(path) is Plane.DATA and path != GRAPHQL else 403
    return refusal(path, status, f"the restricted API key {name} may not do this")


def _refusal(path: str, given: bytes) -> JSONResponse:
    if plane_of(path) is Plane.DATA:
        return refusal(path, 401, "the API key is missing or wrong")
    return refusal(path, 401, "invalid bearer token" if given else "missing bearer token")
