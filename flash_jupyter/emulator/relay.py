"""One request to a load balancing endpoint, passed to a worker and its answer passed back, both as they come.

What is changed on the way: hop-by-hop headers are dropped (RFC 9110, 7.6.1), and so is `Authorization`, for it holds
the key of this server, which is none of the worker's business (whether the platform passes it on is not documented).
The answer says in `X-Runpod-Worker-Id` who made it. A redirect within the worker's host is led through our path.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.types import Message, Receive, Scope, Send

from flash_jupyter.emulator.balancer import Broken
from flash_jupyter.worker.balancer import STOP_WORKER

#: so much is read ahead, so that the end of the connection is seen while a request waits for a worker
READ_AHEAD_BYTES = 256 * 1024


class TooLarge(Exception):
    """The body is larger than the limit."""


class Inbox:
    """Reads ahead a little; what is larger waits in the connection until somebody wants it."""

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive, self._limit_bytes = receive, limit_bytes
        self._pieces: deque[bytes] = deque()
        self._held = self._seen = 0
        self._complete = False
        self._changed = asyncio.Event()

    async def watch(self) -> None:
        """Read until the sender goes away; then return."""
        while True:
            while self._held >= READ_AHEAD_BYTES:
                await self._change()
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            piece = message.get("body", b"")
            self._seen += len(piece)
            self._held += len(piece)
            self._pieces.append(piece)
            self._complete = not message.get("more_body", False)
            self._changed.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; raises `TooLarge` as soon as it is."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._held -= len(piece)
                self._changed.set()
                if self._seen > self._limit_bytes:
                    raise TooLarge
                if piece:
                    yield piece
            if self._complete:
                return
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


if TYPE_CHECKING:
    from flash_jupyter.emulator.upstream import Upstream

WORKER_ID = b"x-runpod-worker-id"
_HOP_BY_HOP = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
#: `Expect` was answered by our own server
_NOT_SENT = {*_HOP_BY_HOP, b"authorization", b"expect"}
_NOT_RETURNED = {*_HOP_BY_HOP, WORKER_ID, STOP_WORKER[0]}
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Destination:
    """A worker's port, and the path under which our clients reach it."""

    worker_id: str
    port: int
    prefix: str


class Answer:
    """What goes back to the client; an error can be said only before the first byte."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def piece(self, body: bytes, *, more: bool) -> None:
        """Send a piece of the body."""
        message: Message = {"type": "http.response.body", "body": body, "more_body": more}
        await self._send(message)

    async def error(self, status: int, error: str, detail: str = "", worker_id: str = "") -> None:
        """Send an error as JSON. Behind a begun answer, none: the connection ends before the answer does."""
        if self.started:
            return
        body = json.dumps({"error": error, **({"detail": detail} if detail else {})}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self.start(status, headers + ([(WORKER_ID, worker_id.encode())] if worker_id else []))
        await self.piece(body, more=False)

    async def empty(self, status: int) -> None:
        """Send a status without a body."""
        await self.start(status, [])
        await self.piece(b"", more=False)


async def relay(
    scope: Scope,
    inbox: Inbox,
    answer: Answer,
    upstream: Upstream,
    destination: Destination,
    limit_bytes: int,
    retire: Callable[[], None],
) -> None:
    """Pass a request on and its answer back; `retire` is called where the worker wants to be ended.

    That is before the client hears of the answer: its next request must not meet the same worker. Raises `Refused`,
    `Broken`, `TooLarge`.
    """
    from flash_jupyter.emulator.upstream import pieces

    response = await upstream.send(
        scope["method"],
        destination.port,
        target_of(scope),
        kept(scope["headers"], _NOT_SENT),
        inbox.pieces() if _has_body(scope["headers"]) else None,
    )
    try:
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        _check_length(headers, limit_bytes)
        if STOP_WORKER in headers:
            retire()
        await answer.start(response.status_code, _returned(headers, scope, destination))
        async for piece in _limited(pieces(response), limit_bytes):
            await answer.piece(piece, more=True)
        await answer.piece(b"", more=False)
    finally:
        await response.aclose()


def target_of(scope: Scope) -> bytes:
    """Return path and query as the worker sees them, byte for byte as they came.

    >>> target_of({"raw_path": b"/lb/ep1/items/a%20b", "query_string": b"q=1"})
    b'/items/a%20b?q=1'
    >>> target_of({"raw_path": b"/lb/ep1", "query_string": b""})
    b'/'
    """
    path: bytes = b"/" + b"".join(scope["raw_path"].split(b"/", 3)[3:])
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


def kept(headers: Iterable[tuple[bytes, bytes]], dropped: set[bytes]) -> Headers:
    """Return the headers that may go on: not those of one hop, nor those which `Connection` names.

    >>> kept([(b"connection", b"close, x-mine"), (b"x-mine", b"1"), (b"accept", b"*/*")], _NOT_SENT)
    [(b'accept', b'*/*')]
    """
    headers = list(headers)
    named = {
        word.strip().lower() for name, value in headers if name.lower() == b"connection" for word in value.split(b",")
    }
    return [(name, value) for name, value in headers if name.lower() not in dropped | named]


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)


def _check_length(headers: Headers, limit_bytes: int) -> None:
    length = next((value for name, value in headers if name == b"content-length"), b"0")
    if int(length) > limit_bytes:
        raise Broken(_too_large(limit_bytes))


async def _limited(body: AsyncIterator[bytes], limit_bytes: int) -> AsyncIterator[bytes]:
    size = 0
    async for piece in body:
        size += len(piece)
        if size > limit_bytes:
            raise Broken(_too_large(limit_bytes))
        yield piece


def _too_large(limit_bytes: int) -> str:
    return f"its answer is larger than {limit_bytes} bytes"


def _returned(headers: Headers, scope: Scope, destination: Destination) -> Headers:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    led = [
        (name, led_through(value.decode("latin-1"), host, destination.prefix).encode("latin-1"))
        if name == b"location"
        else (name, value)
        for name, value in kept(headers, _NOT_RETURNED)
    ]
    return [*led, (WORKER_ID, destination.worker_id.encode())]


def led_through(location: str, host: str, prefix: str) -> str:
    """Return where a redirect goes as our clients must write it; the worker does not know the path before its own.

    >>> led_through("http://here:1/items/", "here:1", "/lb/ep1"), led_through("/items/", "here:1", "/lb/ep1")
    ('http://here:1/lb/ep1/items/', '/lb/ep1/items/')
    >>> led_through("https://elsewhere/", "here:1", "/lb/ep1"), led_through("next", "here:1", "/lb/ep1")
    ('https://elsewhere/', 'next')
    """
    parts = urlsplit(location)
    if not parts.path.startswith("/") or parts.netloc not in ("", host):
        return location
    return parts._replace(path=prefix + parts.path).geturl()
