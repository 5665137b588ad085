"""`/_flash/logins`: the browser's part of a login, for whoever has the key. The platform has a page for it."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator.endpoints import show_time
from flash_jupyter.emulator.logins import Logins
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.tables import LoginRequest


class LoginsApi:
    """The routes, and what they need."""

    def __init__(self, logins: Logins) -> None:
        self._logins = logins

    def routes(self) -> list[Route]:
        """Return the two routes."""
        return [
            Route("/_flash/logins", self._list, methods=["GET"]),
            Route("/_flash/logins/{id}", self._decide, methods=["POST"]),
        ]

    async def _list(self, _: Request) -> Response:
        """GET /_flash/logins - those that wait, oldest first."""
        return JSONResponse({"logins": [show_login(login) for login in self._logins.waiting()]})

    async def _decide(self, request: Request) -> Response:
        """POST /_flash/logins/{id} - `{"approve": true}` or `false`."""
        try:
            approve = json.loads(await request.body())["approve"]
        except (ValueError, RecursionError, TypeError, KeyError):
            approve = None
        if not isinstance(approve, bool):
            return JSONResponse({"error": 'the body must be {"approve": true} or {"approve": false}'}, 400)
        try:
            return JSONResponse(show_login(self._logins.decide(request.path_params["id"], approve=approve)))
        except Problem as problem:
            return JSONResponse({"error": problem.detail}, problem.status)


def show_login(login: LoginRequest) -> dict[str, Any]:
    """Return `FlashAuthRequest` of the GraphQL schema, without a key."""
    return {"id": login.id, "status": login.status, "expiresAt": show_time(login.expires_at)}
