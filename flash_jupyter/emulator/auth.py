"""Who may ask: every route wants the key, raw or as a bearer token, before anything else is looked at."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from flash_jupyter.emulator.problems import Problem

CONTROL_PREFIX = "/v2/serverless"


class RequireKey:
    """Answers 401 to a request without the key; calls `seen` with the path of every other."""

    def __init__(self, app: ASGIApp, *, api_key: str, seen: Callable[[str], None]) -> None:
        self._app, self._seen = app, seen
        self._accepted = (f"Bearer {api_key}".encode(), api_key.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the lifespan and requests with the key pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if any(hmac.compare_digest(given, accepted) for accepted in self._accepted):
            self._seen(scope["path"])
            await self._app(scope, receive, send)
        else:
            await _refusal(scope["path"], given)(scope, receive, send)


def _refusal(path: str, given: bytes) -> JSONResponse:
    if path.startswith(CONTROL_PREFIX):
        return Problem(401, "invalid bearer token" if given else "missing bearer token").response()
    return JSONResponse({"error": "the API key is missing or wrong"}, 401)
