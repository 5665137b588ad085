"""A worker of a load balancing endpoint of the embedded Runpod: an HTTP server that runs FunctionRequests.

    PORT=8000 python -m flash_jupyter.worker.balancer

`GET /ping` answers `{"status": "healthy"}`, `POST /execute` runs a FunctionRequest, bare or as `{"input": ...}`, and
answers its FunctionResponse with 200 whatever came of it, as the published images do (reference/flash-wire.md 4.3).
Functions run on the main thread, one after the other; the server has a thread of its own, so that a health check is
answered meanwhile. A client that goes away interrupts its function, and one that does not stop ends the worker.

uvicorn and not `http.server`: it takes 0.1 s more to load, and reads chunked bodies and notices lost connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from flash_jupyter.worker.deployed import serve_deployed

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HOST = "127.0.0.1"
#: in an answer: no more requests for this worker, end it; what `stopPod` is to a queue
STOP_WORKER = (b"x-flash-jupyter-stop-worker", b"1")


class Order:
    """A request that waits for the main thread, runs there, or is answered."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request = request
        self.response: dict[str, Any] | None = None
        self.given_up = False
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()

    def finish(self, response: dict[str, Any] | None) -> None:
        """Hand the response over; called by the main thread. None where nobody waits for it any more."""
        self.response = response
        with contextlib.suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(self._done.set)

    async def finished(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the function; False when that takes longer."""
        try:
            await asyncio.wait_for(self._done.wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        return True


class MainThread:
    """Runs one order after the other; a signal interrupts the one that was given up, and nothing else."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._current: Order | None = None
        self._interrupted: Order | None = None

    def submit(self, order: Order) -> None:
        """Add an order."""
        self._orders.put(order)

    def give_up(self, order: Order) -> None:
        """Skip an order, or interrupt it where it runs already."""
        order.given_up = True
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def is_running(self, order: Order) -> bool:
        """Whether the order is the one that runs."""
        return self._current is order

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Raise `KeyboardInterrupt` in an order that was given up, once; Python calls this on the main thread."""
        current = self._current
        if current is not None and current.given_up and self._interrupted is not current:
            self._interrupted = current
            raise KeyboardInterrupt

    def run(self, execute: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        """Run orders for ever."""
        while True:
            order = self._orders.get()
            order.finish(self._run(order, execute))

    def _run(self, order: Order, execute: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, Any] | None:
        try:
            self._current = order  # from here on a signal reaches it
            return None if order.given_up else execute(order.request)
        except KeyboardInterrupt:
            return None
        finally:
            self._current = None


class Application:
    """The two routes, as an ASGI application."""

    def __init__(self, main_thread: MainThread, cancel_grace_s: float) -> None:
        self._main_thread, self._cancel_grace_s = main_thread, cancel_grace_s
        self._leaving = False

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        method, path = scope["method"], scope["path"]
        if path == "/ping":
            allowed = method in ("GET", "HEAD")
            await (self._ping(send) if allowed else _answer(send, 405, {"detail": "Method Not Allowed"}))
        elif path == "/execute":
            allowed = method == "POST"
            await (self._run(receive, send) if allowed else _answer(send, 405, {"detail": "Method Not Allowed"}))
        else:
            await _answer(send, 404, {"detail": "Not Found"})

    async def _ping(self, send: Send) -> None:
        """GET /ping - healthy, also while a function runs; not when this worker wants to be ended."""
        if self._leaving:
            await _answer(send, 503, {"status": "leaving"})
        else:
            await _answer(send, 200, {"status": "healthy"})

    async def _run(self, receive: Receive, send: Send) -> None:
        """POST /execute - run a FunctionRequest."""
        body = await _body(receive)
        try:
            request = None if body is None else _function_request(body)
        except ValueError as error:
            await _answer(send, 422, {"detail": f"not a FunctionRequest: {error}"})
            return
        if request is None:
            return
        order = Order(request)
        self._main_thread.submit(order)
        await self._wait(order, receive)
        if order.response is not None:
            self._leaving = order.response.pop("refresh_worker", False) or self._leaving
            await _answer(send, 200, order.response, [STOP_WORKER] if self._leaving else [])

    async def _wait(self, order: Order, receive: Receive) -> None:
        """Wait for the function's end; when the client goes away before, see to it that there is one."""
        finished = asyncio.create_task(order.finished())
        gone = asyncio.create_task(_gone(receive))
        await asyncio.wait({finished, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not finished.done():
            self._main_thread.give_up(order)
            if self._main_thread.is_running(order) and not await order.finished(self._cancel_grace_s):
                _end(1, "a function did not stop when its client went away")
        await finished


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, or None when the client goes away before its end."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _function_request(body: bytes) -> Mapping[str, Any]:
    """Read a FunctionRequest, bare or wrapped; raises `ValueError`.

    >>> _function_request(b'{"function_name": "f"}') == _function_request(b'{"input": {"function_name": "f"}}')
    True
    """
    document = json.loads(body)
    request = document.get("input", document) if isinstance(document, dict) else document
    if not isinstance(request, dict):
        raise ValueError("it must be a JSON object")
    return request


async def _answer(send: Send, status: int, document: Any, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    body = json.dumps(document).encode()
    length = (b"content-length", b"%d" % len(body))
    headers = [(b"content-type", b"application/json"), length, *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _serve(application: Application, listener: socket.socket) -> None:
    """Run the server for ever; its thread is not the main one, so it takes no signals."""
    import uvicorn

    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=600,
    )
    uvicorn.Server(config).run(sockets=[listener])
    _end(1, "the server ended")


def _end(code: int, reason: str) -> NoReturn:
    """End at once: threads and `atexit` functions of the user's code must not keep a worker alive."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"worker ends: {reason}\n")
        sys.stderr.flush()
    os._exit(code)


def _listen(port: int) -> socket.socket:
    # the protocol is given: without it asyncio does not set TCP_NODELAY, and every answer takes 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(512)
    return listener


def main() -> None:
    """Run a worker from the environment: a deployed app's handler, else our own server."""
    if serve_deployed(os.environ, Path("app")):
        return
    port = int(os.environ["PORT"])
    try:
        listener = _listen(port)
    except OSError as error:
        _end(1, f"port {port} can't be used: {error.strerror}")
    main_thread = MainThread()
    signal.signal(signal.SIGINT, main_thread.on_signal)
    application = Application(main_thread, float(os.environ.get("FLASH_JUPYTER_CANCEL_GRACE_S", "2.0")))
    threading.Thread(target=_serve, args=(application, listener), daemon=True).start()
    from flash_jupyter.worker.function import execute  # while the server loads

    main_thread.run(execute)


if __name__ == "__main__":
    main()
