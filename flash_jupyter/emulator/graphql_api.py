"""`POST /graphql`: what old and app clients use beside REST v2. graphql-core is loaded with the first request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator.auth import HAS_KEY, READS_ONLY
from flash_jupyter.emulator.jobs import BadRequest
from flash_jupyter.emulator.problems import GRAPHQL
from flash_jupyter.emulator.queue_api import read_body

if TYPE_CHECKING:
    from flash_jupyter.emulator.graphql.execution import Executor

#: a manifest is the largest thing in a request; a login is small
BODY_BYTES = 16 << 20
LOGIN_BODY_BYTES = 16 << 10


class GraphqlApi:
    """The route, and what it needs."""

    def __init__(self, make_executor: Callable[[], Executor]) -> None:
        self._make_executor = make_executor
        self._executor: Executor | None = None
        self._loading = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Return the one route."""
        return [Route(GRAPHQL, self._answer, methods=["POST"])]

    async def _answer(self, request: Request) -> Response:
        """POST /graphql - `{"query", "variables"}`; without a key only the login."""
        with_key = bool(request.scope.get(HAS_KEY))
        try:
            query, variables = await _read(request, BODY_BYTES if with_key else LOGIN_BODY_BYTES)
        except BadRequest as refused:
            return _refusal(400, str(refused)) if with_key else _unauthorized()
        executor = await self._load()
        from flash_jupyter.emulator.graphql.execution import Forbidden, Unauthorized

        reads_only = bool(request.scope.get(READS_ONLY))
        try:
            status, answer = executor.run(query, variables, with_key=with_key, reads_only=reads_only)
        except Unauthorized:
            return _unauthorized()
        except Forbidden as forbidden:
            return _refusal(403, str(forbidden))
        return JSONResponse(answer, status)

    async def _load(self) -> Executor:
        """Return the executor; made once, in a thread, so that nobody else waits for the import."""
        async with self._loading:
            if self._executor is None:
                self._executor = await asyncio.to_thread(self._make_executor)
        return self._executor


async def _read(request: Request, longest: int) -> tuple[str, dict[str, Any]]:
    body = await read_body(request, longest)
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    query = sent.get("query") if isinstance(sent, dict) else None
    variables = (sent.get("variables") or {}) if isinstance(sent, dict) else None
    if not isinstance(query, str) or not isinstance(variables, dict):
        raise BadRequest('the body must be {"query": TEXT, "variables": {...}}')
    return query, variables


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"errors": [{"message": message}]}, status)


def _unauthorized() -> JSONResponse:
    return _refusal(401, "the API key is missing or wrong")
