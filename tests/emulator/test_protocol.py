"""What a client sees of the way in which answers are written."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from flash_jupyter.emulator.direct import Answer
from flash_jupyter.emulator.protocol import JoinedWrites, Protocol


async def _short(_: Request) -> Response:
    return PlainTextResponse("hello")


async def _pieces(_: Request) -> Response:
    async def pieces() -> AsyncIterator[str]:
        for number in range(3):
            yield f"<{number}>"
            await asyncio.sleep(0.02)

    return StreamingResponse(pieces())


async def _last(_: Request) -> Response:
    return PlainTextResponse("x" * 1_000_000, headers={"Connection": "close"})


APP = Starlette(routes=[Route("/short", _short), Route("/pieces", _pieces), Route("/last", _last)])


@contextlib.asynccontextmanager
async def served(
    protocol: type[Protocol] = Protocol, **settings: Any
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server of these routes."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(APP, http=protocol, log_level="warning", lifespan="off", **settings))
    server.capture_signals = contextlib.nullcontext
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await serving


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode()


class Counted:
    """A transport that remembers each write."""

    def __init__(self, transport: asyncio.Transport, written: list[bytes]) -> None:
        self._transport, self._written = transport, written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._written.append(data)
        self._transport.write(data)


def test_head_and_body_of_an_answer_are_one_write() -> None:
    written: list[bytes] = []

    class Watched(Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(cast(asyncio.Transport, Counted(transport, written)))

    async def ask() -> bytes:
        async with served(Watched) as (reader, writer):
            writer.write(request("/short"))
            return await reader.readuntil(b"hello")

    assert [asyncio.run(ask())] == written


def test_a_write_without_another_one_does_not_wait() -> None:
    written: list[bytes] = []

    class Sink(asyncio.Transport):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            written.append(bytes(data))

        def is_closing(self) -> bool:
            return False

    async def check() -> None:
        joined = JoinedWrites(Sink(), asyncio.get_running_loop())
        joined.write(b"alone")
        await asyncio.sleep(0)
        joined.write(b"head")
        joined.write(b"body")

    asyncio.run(check())
    assert written == [b"alone", b"headbody"]


def test_what_is_sent_later_is_not_waited_for() -> None:
    async def ask() -> list[bytes]:
        async with served() as (reader, writer):
            writer.write(request("/pieces"))
            return [await reader.readuntil(b">") for _ in range(3)]

    assert [piece[-3:] for piece in asyncio.run(ask())] == [b"<0>", b"<1>", b"<2>"]


def test_an_answer_after_which_the_connection_ends_comes_whole() -> None:
    async def ask() -> bytes:
        async with served() as (reader, writer):
            writer.write(request("/last"))
            return await reader.read()

    assert asyncio.run(ask()).endswith(b"\r\n\r\n" + b"x" * 1_000_000)


def test_requests_that_come_together_are_answered_one_after_the_other() -> None:
    async def ask() -> bytes:
        async with served() as (reader, writer):
            writer.write(request("/short") + request("/short"))
            await reader.readuntil(b"hello")
            return await reader.readuntil(b"hello")

    assert asyncio.run(ask()).startswith(b"HTTP/1.1 200 OK\r\n")


def _direct(data: bytes) -> Answer | None:
    return Answer(b"at once", waits=b"later" in data) if data.startswith(b"direct") else None


class Direct(Protocol):
    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, direct=_direct, **named)


@pytest.mark.parametrize("asked", [b"direct", b"direct, later"])
def test_what_is_answered_directly_the_application_does_not_see(asked: bytes) -> None:
    async def ask() -> list[bytes]:
        async with served(Direct) as (reader, writer):
            said = []
            for message, end in ((asked, b"at once"), (request("/short"), b"hello"), (asked, b"at once")):
                writer.write(message)
                said.append(await reader.readuntil(end))
            return said

    assert [said[-7:] for said in asyncio.run(ask())] == [b"at once", b"\n\r\nhello"[-7:], b"at once"]


def test_answers_keep_their_order_though_the_first_one_waits() -> None:
    class Together(Protocol):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, direct=lambda data: Answer(data, waits=data == b"one"), **named)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            super().data_received(b"two")

    async def ask() -> bytes:
        async with served(Together) as (reader, writer):
            writer.write(b"one")
            return await asyncio.wait_for(reader.readexactly(6), 10)

    assert asyncio.run(ask()) == b"onetwo"


def test_an_answer_that_waits_is_written_before_the_connection_is_closed() -> None:
    class Closing(Direct):
        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.shutdown()

    async def ask() -> bytes:
        async with served(Closing) as (reader, writer):
            writer.write(b"direct, later")
            return await asyncio.wait_for(reader.read(), 10)

    assert asyncio.run(ask()) == b"at once"


def test_a_connection_that_is_only_used_directly_is_closed_some_time() -> None:
    async def ask() -> bytes:
        async with served(Direct, timeout_keep_alive=1) as (reader, writer):
            writer.write(b"direct")
            return await asyncio.wait_for(reader.read(), 10)

    assert asyncio.run(ask()) == b"at once"


def test_a_connection_that_is_used_directly_is_kept() -> None:
    async def ask() -> bytes:
        async with served(Direct, timeout_keep_alive=1) as (reader, writer):
            writer.write(request("/short"))  # it begins to wait
            await reader.readuntil(b"hello")
            for _ in range(3):
                await asyncio.sleep(0.5)
                writer.write(b"direct")
                await reader.readuntil(b"at once")
            return await asyncio.wait_for(reader.read(), 10)  # until it is closed

    assert asyncio.run(ask()) == b""
