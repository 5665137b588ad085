"""The control plane: `/v2/serverless` of REST v2 (reference/openapi-v2.json)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from flash_jupyter import limits
from flash_jupyter.emulator.control_routes import Operation, control_routes, read_json
from flash_jupyter.emulator.endpoint_requests import check_create, check_update
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.logs import LogLine, WorkerLog, format_time, parse_time
from flash_jupyter.emulator.problems import Problem, invalid
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, NoSuchWorker, World

#: lines that are read and sent together
_BATCH = 500
KEEP_ALIVE_S = 15.0
#: while jobs stand in line, the lines of so many seconds are sent together: each sending wakes the client
TOGETHER_S = 0.005


class ControlApi:
    """The routes, and what they need."""

    def __init__(self, world: World, endpoints: Endpoints, limiter: ControlLimiter) -> None:
        self._world, self._endpoints, self._limiter = world, endpoints, limiter

    def routes(self) -> list[Route]:
        """Return the routes; they must come before those of the data plane."""
        one = "/v2/serverless/{id}"
        table: list[Operation] = [
            ("GET", "/v2/serverless", self._list),
            ("POST", "/v2/serverless", self._create),
            ("GET", one, self._get),
            ("PATCH", one, self._patch),
            ("DELETE", one, self._delete),
            ("GET", f"{one}/workers", self._workers),
            ("GET", f"{one}/releases", self._releases),
            ("GET", f"{one}/workers/{{worker_id}}/logs", self._logs),
        ]
        return control_routes(table, self._limiter)

    def _endpoint(self, request: Request) -> Endpoint:
        try:
            return self._world.endpoint(request.path_params["id"])
        except NoSuchEndpoint:
            raise Problem(404, "endpoint not found") from None

    async def _list(self, _: Request) -> Response:
        """GET /v2/serverless - all endpoints."""
        shown = [self._endpoints.show(endpoint) for endpoint in self._world.endpoints.values()]
        return JSONResponse({"endpoints": shown})

    async def _create(self, request: Request) -> Response:
        """POST /v2/serverless - make an endpoint."""
        endpoint = self._endpoints.create(check_create(await read_json(request)))
        return JSONResponse(self._endpoints.show(endpoint), 201)

    async def _get(self, request: Request) -> Response:
        """GET /v2/serverless/{id}."""
        return JSONResponse(self._endpoints.show(self._endpoint(request)))

    async def _patch(self, request: Request) -> Response:
        """PATCH /v2/serverless/{id} - change what is in the body."""
        endpoint = self._endpoint(request)
        self._endpoints.patch(endpoint, check_update(await read_json(request)))
        return JSONResponse(self._endpoints.show(endpoint))

    async def _delete(self, request: Request) -> Response:
        """DELETE /v2/serverless/{id} - with its workers and jobs."""
        self._endpoints.delete(self._endpoint(request))
        return Response(status_code=204)

    async def _workers(self, request: Request) -> Response:
        """GET /v2/serverless/{id}/workers - the active ones."""
        return JSONResponse(self._endpoints.show_workers(self._endpoint(request)))

    async def _releases(self, request: Request) -> Response:
        """GET /v2/serverless/{id}/releases - newest first."""
        return JSONResponse(self._endpoints.show_releases(self._endpoint(request)))

    async def _logs(self, request: Request) -> Response:
        """GET /v2/serverless/{id}/workers/{workerId}/logs - Server-Sent Events; also of a worker that has ended."""
        endpoint = self._endpoint(request)
        try:
            log = self._world.log(endpoint.id, request.path_params["worker_id"])
        except NoSuchWorker:
            raise Problem(404, "worker not found") from None
        source = request.query_params.get("source")
        if source not in (None, "container", "system"):
            raise invalid(["source: must be container or system"])
        start = _log_start(request, log, source)
        return StreamingResponse(
            self._log_events(endpoint, log, start, source),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Connection": "keep-alive"},
        )

    async def _log_events(
        self, endpoint: Endpoint, log: WorkerLog, position: int, source: str | None
    ) -> AsyncIterator[bytes]:
        news = asyncio.Event()
        log.subscribe(news)
        loop = asyncio.get_running_loop()
        try:
            while True:
                news.clear()
                while position < len(log):
                    stop = min(position + _BATCH, len(log))
                    yield b"".join(format_log_event(line) for line in log.lines(position, stop, source))
                    position = stop
                if log.ended or self._world.closing.is_set():
                    return
                timer = loop.call_later(KEEP_ALIVE_S, news.set)
                await news.wait()
                timer.cancel()
                if endpoint.queue:
                    await asyncio.sleep(TOGETHER_S)
                if position == len(log):
                    yield b": keep-alive\n\n"
        finally:
            log.unsubscribe(news)


def format_log_event(line: LogLine) -> bytes:
    """Return one Server-Sent Event; its id is the line's time.

    >>> format_log_event(LogLine(0, "container", "hi")).split()[1]
    b'1970-01-01T00:00:00.000000Z'
    """
    at = format_time(line.at_us)
    data = json.dumps({"source": line.source, "line": line.text, "ts": at}, separators=(",", ":"))
    return f"id: {at}\ndata: {data}\n\n".encode()


def _log_start(request: Request, log: WorkerLog, source: str | None) -> int:
    """Return the first position to send: after Last-Event-ID, else from `since`, else the tail."""
    last_id, since = request.headers.get("last-event-id"), request.query_params.get("since")
    try:
        if last_id is not None:
            return log.position_of(parse_time(last_id) + 1)
        if since is not None:
            return log.position_of(parse_time(since))
        tail = int(request.query_params.get("tail", limits.LOG_TAIL_DEFAULT))
    except ValueError as error:
        raise invalid([str(error)]) from None
    if not 0 <= tail <= limits.LOG_TAIL_MAX:
        raise invalid([f"tail: must be 0 to {limits.LOG_TAIL_MAX}"])
    return log.position_of_tail(tail, source)
