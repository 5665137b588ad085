"""A user's own HTTP server, as a load balancing endpoint runs it: `PORT=8000 python user_server.py`.

Tests of the embedded Runpod run it as a worker's process, or in a thread of their own.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

COMMAND = f"{sys.executable} {Path(__file__)}"


async def ping(request: Request) -> Response:
    status = request.app.state.ping
    return Response(status_code=204) if status == 204 else JSONResponse({"status": "healthy"}, status)


async def item(request: Request) -> Response:
    query = {name: request.query_params.getlist(name) for name in request.query_params}
    raw = request.scope["raw_path"].decode()
    return JSONResponse({"item": request.path_params["item"], "query": query, "raw": raw})


async def echo(request: Request) -> Response:
    """Everything of the request that a worker can see."""
    request.app.state.handled += 1
    headers = [(name.decode(), value.decode()) for name, value in request.headers.raw]
    body = await request.body()
    return Response(body, headers={"x-method": request.method, "x-headers": repr(headers), "x-two": "1"})


async def add(request: Request) -> Response:
    sent = await request.json()
    return JSONResponse({"result": sent["x"] + sent["y"]}, status_code=201)


async def upload(request: Request) -> Response:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return JSONResponse({"size": size})


async def download(request: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(int(request.query_params["kilobytes"])):
            yield b"x" * 1024

    return StreamingResponse(body())


async def announced(request: Request) -> Response:
    return Response(b"x" * int(request.query_params["bytes"]))


async def events(request: Request) -> Response:
    """Three events; each but the first waits for a file of its number."""

    async def body() -> AsyncIterator[bytes]:
        for number in range(3):
            while number and not Path(request.query_params["folder"], str(number)).exists():
                await asyncio.sleep(0.01)
            yield f"data: {number}\n\n".encode()

    return StreamingResponse(body(), media_type="text/event-stream")


async def sleep(request: Request) -> Response:
    """Sleep, but not when nobody waits for the answer."""
    state = request.app.state
    state.sleeping += 1
    until = time.monotonic() + float(request.query_params["seconds"])
    while time.monotonic() < until and not await request.is_disconnected():
        await asyncio.sleep(0.02)
    state.sleeping -= 1
    return PlainTextResponse(str(os.getpid()))


async def half(_: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        raise SystemError("broken in the middle")

    return StreamingResponse(body(), headers={"content-length": "8"})


async def redirect(_: Request) -> Response:
    return RedirectResponse("/items/1")


async def variables(_: Request) -> Response:
    return JSONResponse(dict(os.environ))


async def die(_: Request) -> Response:
    os._exit(3)


def make_app() -> Starlette:
    app = Starlette(
        routes=[
            Route("/ping", ping),
            Route("/items/{item:path}", item),
            Route("/echo", echo, methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT"]),
            Route("/add", add, methods=["POST"]),
            Route("/upload", upload, methods=["POST"]),
            Route("/download", download),
            Route("/announced", announced),
            Route("/events", events),
            Route("/sleep", sleep),
            Route("/half", half),
            Route("/redirect", redirect),
            Route("/env", variables),
            Route("/die", die),
        ]
    )
    app.state.ping, app.state.handled, app.state.sleeping = 200, 0, 0
    return app


class ThreadedServer:
    """The application on a free port, in a thread of the test."""

    def __init__(self) -> None:
        self.app = make_app()
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.port = int(listener.getsockname()[1])
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="critical", lifespan="off", ws="none"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()


if __name__ == "__main__":
    uvicorn.run(make_app(), host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning", ws="none")
