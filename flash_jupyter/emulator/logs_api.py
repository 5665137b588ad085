"""Workers' logs over HTTP: Server-Sent Events of REST v2, and the log service that released clients poll.

Sources: reference/openapi-v2.json; flash-wire.md 2 and 3.5.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from flash_jupyter import limits
from flash_jupyter.emulator.control_routes import control_routes
from flash_jupyter.emulator.logs import LogLine, WorkerLog, format_time, parse_time
from flash_jupyter.emulator.problems import Problem, invalid
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, NoSuchWorker, World

#: lines that are read and sent together
_BATCH = 500
KEEP_ALIVE_S = 15.0
#: while jobs stand in line, the lines of so many seconds are sent together: each sending wakes the client
TOGETHER_S = 0.005


class LogsApi:
    """The two routes, and what they need."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self, limiter: ControlLimiter) -> list[Route]:
        """Return the routes."""
        return [
            *control_routes([("GET", "/v2/serverless/{id}/workers/{worker_id}/logs", self._stream)], limiter),
            Route("/v1/pod/{worker_id}/logs", self._tail, methods=["GET"]),
        ]

    async def _tail(self, request: Request) -> Response:
        """GET /v1/pod/{workerId}/logs - the last lines by source with their times; also of an ended worker."""
        worker_id = request.path_params["worker_id"]
        _, log = self._world.logs.get(worker_id, ("", None))
        if log is None:
            return JSONResponse({"error": f"pod {worker_id} not found"}, 404)
        return JSONResponse({source: _last_lines(log, source) for source in ("system", "container")})

    async def _stream(self, request: Request) -> Response:
        """GET /v2/serverless/{id}/workers/{workerId}/logs - Server-Sent Events; also of a worker that has ended."""
        try:
            endpoint = self._world.endpoint(request.path_params["id"])
            log = self._world.log(endpoint.id, request.path_params["worker_id"])
        except NoSuchEndpoint:
            raise Problem(404, "endpoint not found") from None
        except NoSuchWorker:
            raise Problem(404, "worker not found") from None
        source = request.query_params.get("source")
        if source not in (None, "container", "system"):
            raise invalid(["source: must be container or system"])
        start = _start(request, log, source)
        return StreamingResponse(
            self._events(endpoint, log, start, source),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no", "Connection": "keep-alive"},
        )

    async def _events(
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


def _start(request: Request, log: WorkerLog, source: str | None) -> int:
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


def _last_lines(log: WorkerLog, source: str) -> list[str]:
    start = log.position_of_tail(limits.LOG_TAIL_MAX, source)
    return [f"{format_time(line.at_us)} {line.text}" for line in log.lines(start, len(log), source)]
