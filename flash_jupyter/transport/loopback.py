"""HTTP/1.1 over plain TCP as an httpx transport, for the embedded Runpod only.

httpx's own transport (h11 over anyio) takes a millisecond more for each of the two calls of a warm cell, which is
5 ms in all, and its client (cookies, redirects, authentication) half a millisecond: `request` goes without both
(measured 2026-11-22). Beyond loopback the network decides, and httpx's own are used. This one knows what a server on
this machine needs: keep-alive, Content-Length and chunked bodies, streams. No TLS, no proxies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
from httptools import HttpParserError, HttpResponseParser

from flash_jupyter.transport.loop import within

Origin = tuple[str, int]

#: a body that nobody reads stops the sender after so many bytes
HIGH_WATER_BYTES = 1 << 20
READ_BYTES = 1 << 16


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class LoopbackTransport(httpx.AsyncBaseTransport):
    """Keeps connections open and uses them again; lives on one event loop."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[_Connection]] = {}
        self._all: set[_Connection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response's body is read from the connection as it is asked for."""
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        origin = (request.url.host, request.url.port or 80)
        connection = self._reuse(origin) or await self._connect(origin, timeouts.get("connect"))
        try:
            status = await connection.exchange(_encode(request), timeouts.get("read"))
        except BaseException:
            connection.close()
            raise
        body = _Body(self, origin, connection, timeouts.get("read"))
        return httpx.Response(status, headers=connection.headers, stream=body)

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float, *, whole_s: float
    ) -> Answer:
        """Send one small request and read its whole answer; raises `httpx.TransportError`.

        The server may be silent for `timeout_s`, and take `whole_s` seconds for the body.
        """
        _, _, address = url.partition("://")
        host, _, target = address.partition("/")
        origin = _origin(host)
        lines = [f"{method} /{target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        message = "\r\n".join(lines).encode() + b"\r\n\r\n" + content
        connection = self._reuse(origin) or await self._connect(origin, timeout_s)
        try:
            status = await connection.exchange(message, timeout_s)
            chunks = connection.take()
            if not connection.is_complete:
                chunks += await connection.rest(timeout_s, whole_s)
        except BaseException:
            connection.close()
            raise
        answer = Answer(status, connection.headers, b"".join(chunks))
        self.release(origin, connection)
        return answer

    async def aclose(self) -> None:
        """Close all connections, those in use too."""
        for connection in list(self._all):
            connection.close()

    def release(self, origin: Origin, connection: _Connection) -> None:
        """Keep a connection for the next request, if the server agrees."""
        if connection.is_reusable:
            self._idle.setdefault(origin, []).append(connection)
        else:
            connection.close()

    def _reuse(self, origin: Origin) -> _Connection | None:
        idle = self._idle.get(origin, [])
        while idle:
            connection = idle.pop()
            if connection.is_reusable:
                return connection
        return None

    async def _connect(self, origin: Origin, timeout_s: float | None) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            made = loop.create_connection(lambda: _Connection(self._all), *origin)
            _, connection = await within(made, timeout_s)
        except asyncio.TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return connection


class _Connection(asyncio.BufferedProtocol):
    """One connection, one exchange at a time. The parser calls the `on_...` methods.

    It reads into one buffer: asyncio's own way asks the system for a new one each time, and that takes longer.
    """

    def __init__(self, register: set[_Connection]) -> None:
        self._register = register
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._transport: Any = None
        self._parser: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._lost = False
        self._begin()

    def _begin(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] = []
        self.has_head = self.is_complete = self._keeps_alive = False
        self._failure: httpx.TransportError | None = None
        self._waiting_bytes = 0
        self._parser = HttpResponseParser(self)

    @property
    def is_reusable(self) -> bool:
        """Whether the last exchange is over, and another one may follow."""
        is_reading = self._waiting_bytes < HIGH_WATER_BYTES
        return not self._lost and self.is_complete and self._keeps_alive and is_reading

    async def exchange(self, message: bytes, timeout_s: float | None) -> int:
        """Send a request and wait for the head of its answer; returns the status."""
        self._begin()
        if self._lost:
            raise httpx.RemoteProtocolError("the server closed the connection")
        self._transport.write(message)
        while not self.has_head:
            await self.wait(timeout_s)
        return int(self._parser.get_status_code())

    async def wait(self, timeout_s: float | None) -> None:
        """Wait until something comes; raises when the connection breaks, or stays silent for too long."""
        if self._failure is not None:
            raise self._failure
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(timeout_s, self._fail, httpx.ReadTimeout("silent")) if timeout_s else None
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
        if self._failure is not None:
            raise self._failure

    async def rest(self, timeout_s: float, whole_s: float) -> list[bytes]:
        """Return what is still to come of the body; raises also where all of it takes too long."""
        chunks: list[bytes] = []
        failure = httpx.ReadTimeout(f"no whole answer in {whole_s:g} s")
        timer = asyncio.get_running_loop().call_later(whole_s, self._fail, failure)
        try:
            while not self.is_complete:
                await self.wait(timeout_s)
                chunks += self.take()
        finally:
            timer.cancel()
        return chunks

    def take(self) -> list[bytes]:
        """Return what has come of the body since the last time."""
        chunks, self.chunks = self.chunks, []
        if self._waiting_bytes >= HIGH_WATER_BYTES and not self._lost:
            self._transport.resume_reading()
        self._waiting_bytes = 0
        return chunks

    def close(self) -> None:
        """Close it; may be called again."""
        self._lost = True
        if self._transport is not None:
            self._transport.abort()

    # --- what asyncio calls ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the connection, so that it can be closed in use."""
        self._transport = transport
        self._register.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's own name
        """Say where to put what comes."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Parse what came."""
        try:
            self._parser.feed_data(self._buffer[:nbytes])
        except HttpParserError as error:
            self._fail(httpx.RemoteProtocolError(str(error)))
            self.close()
            return
        if self._waiting_bytes >= HIGH_WATER_BYTES:
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server closed it, or died."""
        self._lost = True
        self._register.discard(self)
        if not self.is_complete:
            self._fail(httpx.RemoteProtocolError(str(exc) if exc else "the server closed the connection"))

    # --- what the parser calls --------------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there."""
        self.has_head = True

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self.chunks.append(body)
        self._waiting_bytes += len(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self.is_complete = True
        self._keeps_alive = self._parser.should_keep_alive()

    def _fail(self, failure: httpx.TransportError) -> None:
        self._failure = self._failure or failure
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Body(httpx.AsyncByteStream):
    """The body of one response; closing it gives the connection back."""

    def __init__(
        self, owner: LoopbackTransport, origin: Origin, connection: _Connection, timeout_s: float | None
    ) -> None:
        self._owner, self._origin, self._connection, self._timeout_s = owner, origin, connection, timeout_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            # more may come while the reader is at it, so wait only where there is nothing
            while chunks := self._connection.take():
                for chunk in chunks:
                    yield chunk
            if self._connection.is_complete:
                return
            await self._connection.wait(self._timeout_s)

    async def aclose(self) -> None:
        """Give the connection back."""
        self._owner.release(self._origin, self._connection)


@lru_cache(maxsize=16)
def _origin(netloc: str) -> Origin:
    """Split `host:port`; it is the same for all requests, and each has a path of its own."""
    parts = urlsplit(f"//{netloc}")
    return parts.hostname or "", parts.port or 80


def _encode(request: httpx.Request) -> bytes:
    """Write a request as it goes over the wire; its body is in memory."""
    head = [b"%s %s HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)]
    head += [b"%s: %s\r\n" % header for header in request.headers.raw]
    return b"".join([*head, b"\r\n", request.content])
