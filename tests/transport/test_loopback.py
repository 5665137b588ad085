from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from flash_jupyter.transport.loopback import HIGH_WATER_BYTES, LoopbackTransport

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Speaks bytes, as a test says; counts connections."""

    def __init__(self, *answers: bytes | None, close_after: int = 1_000) -> None:
        self._answers, self._close_after = list(answers), close_after
        self.connections = 0
        self.requests: list[bytes] = []
        self._open: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        with contextlib.suppress(asyncio.CancelledError):
            await self.serve(reader, writer)
        writer.close()

    async def aclose(self) -> None:
        for task, writer in self._open.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        for _ in range(self._close_after):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            length = next((int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.startswith(b"Content-Length")), 0)
            self.requests.append(head + await reader.readexactly(length))
            answer = self._answers.pop(0)
            if answer is None:
                await asyncio.sleep(5)
                break
            writer.write(answer)
            await writer.drain()


def talk(server: Server, work: Callable[[httpx.AsyncClient, str], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        listener = await asyncio.start_server(server.accept, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/a?b=1"
        try:
            async with httpx.AsyncClient(transport=LoopbackTransport(), timeout=1.0) as client:
                return await work(client, url)
        finally:
            listener.close()
            await server.aclose()

    return asyncio.run(main())


async def get(client: httpx.AsyncClient, url: str) -> str:
    return (await client.get(url)).text


BODIES = [
    ("with a length", OK, "ok"),
    ("in chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", "ok"),
    ("without a body", b"HTTP/1.1 204 No Content\r\n\r\n", ""),
]


@pytest.mark.parametrize(("answer", "text"), [c[1:] for c in BODIES], ids=[c[0] for c in BODIES])
def test_bodies(answer: bytes, text: str) -> None:
    assert talk(Server(answer), get) == text


def test_a_request_as_it_goes_over_the_wire() -> None:
    server = Server(OK)

    async def post(client: httpx.AsyncClient, url: str) -> None:
        await client.post(url, content=b"{}", headers={"X-A": "1"})

    talk(server, post)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"X-A: 1" in head
    assert body == b"{}"


def test_a_connection_is_used_again() -> None:
    server = Server(OK, OK, OK)

    async def thrice(client: httpx.AsyncClient, url: str) -> None:
        for _ in range(3):
            await get(client, url)

    talk(server, thrice)
    assert server.connections == 1


def test_calls_at_the_same_time_have_connections_of_their_own() -> None:
    server = Server(*[OK] * 4)

    async def both(client: httpx.AsyncClient, url: str) -> list[str]:
        return list(await asyncio.gather(get(client, url), get(client, url)))

    assert talk(server, both) == ["ok", "ok"]
    assert server.connections == 2


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    server = Server(OK, OK, close_after=1)

    async def twice(client: httpx.AsyncClient, url: str) -> None:
        await get(client, url)
        await asyncio.sleep(0.05)
        await get(client, url)

    talk(server, twice)
    assert server.connections == 2


BROKEN: list[tuple[str, bytes | None, type[Exception]]] = [
    ("closed without a word", b"", httpx.RemoteProtocolError),
    ("closed in the head", b"HTTP/1.1 200 OK\r\nCont", httpx.RemoteProtocolError),
    ("closed in the body", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", httpx.RemoteProtocolError),
    ("not HTTP", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", httpx.RemoteProtocolError),
    ("silent", None, httpx.ReadTimeout),
]


@pytest.mark.parametrize(("answer", "error"), [c[1:] for c in BROKEN], ids=[c[0] for c in BROKEN])
def test_broken_answers(answer: bytes | None, error: type[Exception]) -> None:
    async def quick(client: httpx.AsyncClient, url: str) -> None:
        await client.get(url, timeout=0.2)

    with pytest.raises(error):
        talk(Server(answer, close_after=1), quick)


def test_nobody_listens() -> None:
    async def main() -> None:
        listener = await asyncio.start_server(Server().accept, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        listener.close()
        await listener.wait_closed()
        async with httpx.AsyncClient(transport=LoopbackTransport()) as client:
            await client.get(f"http://127.0.0.1:{port}/")

    with pytest.raises(httpx.ConnectError):
        asyncio.run(main())


def test_a_stream_arrives_piece_by_piece() -> None:
    class Ticking(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for letter in (b"a", b"b"):
                writer.write(b"1\r\n" + letter + b"\r\n")
                await asyncio.sleep(0.1)
            await asyncio.sleep(5)

    async def first_two(client: httpx.AsyncClient, url: str) -> list[bytes]:
        async with client.stream("GET", url) as response:
            pieces: AsyncIterator[bytes] = response.aiter_raw()
            return [await pieces.__anext__(), await pieces.__anext__()]

    assert talk(Ticking(), first_two) == [b"a", b"b"]


def test_a_large_body_that_is_read_slowly_arrives_whole() -> None:
    body = bytes(range(256)) * (HIGH_WATER_BYTES // 64)

    async def slowly(client: httpx.AsyncClient, url: str) -> bytes:
        got = b""
        async with client.stream("GET", url) as response:
            async for piece in response.aiter_raw():
                got += piece
                await asyncio.sleep(0.001)
        return got

    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert talk(Server(answer), slowly) == body


def test_a_call_that_is_given_up_closes_its_connection() -> None:
    server = Server(None, OK)

    async def cancel(client: httpx.AsyncClient, url: str) -> str:
        task = asyncio.ensure_future(client.get(url))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await get(client, url)

    assert talk(server, cancel) == "ok"
    assert server.connections == 2


def test_an_answer_that_never_ends_is_given_up_here_too() -> None:
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b" ")
            with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
                await asyncio.wait_for(reader.read(1), 0.02)
        writer.transport.abort()
        ended.set()

    async def main() -> None:
        listener = await asyncio.start_server(drip, "127.0.0.1", 0)
        transport = LoopbackTransport()
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        try:
            await transport.request("GET", url, {}, b"", 10, whole_s=0.2)
        finally:
            await transport.aclose()
            listener.close()
            await ended.wait()

    with pytest.raises(httpx.ReadTimeout, match=r"no whole answer in 0\.2 s"):
        asyncio.run(asyncio.wait_for(main(), 30))
