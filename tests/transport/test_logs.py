from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import httpx
from contract import Replay

from flash_jupyter.settings import Backend
from flash_jupyter.transport.http import Clock, Http
from flash_jupyter.transport.logs import CLOSED_S, FRUITLESS, follow_log, last_lines

BACKEND = Backend("runpod", "https://api.runpod.io", "https://api.runpod.ai/v2", "$KEY", "somewhere")
URL = "https://api.runpod.io/v2/serverless/4m7x2k9q/workers/8g3n5t6r/logs"


async def no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


def read(
    transport: httpx.AsyncBaseTransport,
    *,
    most: int = 100,
    sleep: Callable[[float], Awaitable[None]] = no_sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[str]:
    async def main() -> list[str]:
        http = Http(BACKEND, transport=transport, clock=Clock(sleep=sleep, monotonic=monotonic))
        lines = []
        async with aclosing(follow_log(http, URL, tail=100)) as coming:
            async for line in coming:
                lines.append(line.line)
                if len(lines) == most:
                    break
        await http.aclose()
        return lines

    return asyncio.run(main())


class Body(httpx.AsyncByteStream):
    """Sends chunks, then ends, or breaks."""

    def __init__(self, *chunks: bytes, broken: bool = False) -> None:
        self._chunks, self._broken = chunks, broken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._broken:
            raise httpx.ReadError("cut")


def event(line: str, ident: str = "") -> bytes:
    return (f"id: {ident}\n" if ident else "").encode() + b'data: {"source":"container","line":"%s","ts":"t"}\n\n' % (
        line.encode()
    )


def streams(*answers: Callable[[httpx.Request], httpx.Response]) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    left, seen = list(answers), list[httpx.Request]()

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return left.pop(0)(request) if left else httpx.Response(404, json={"detail": "worker not found"})

    return httpx.MockTransport(handle), seen


def sse(stream: Body) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _request: httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=stream)


def test_lines_as_recorded() -> None:
    lines = read(Replay("control-logs"), most=3)
    assert lines[:2] == ["worker 8g3n5t6r started", "Worker ready."]
    assert lines[2].startswith("@FJ1:0123456789abcdef:1:1/1:")


def test_a_cut_stream_goes_on_where_it_ended() -> None:
    transport, seen = streams(
        sse(Body(event("one", "opaque/1"), event("tw")[:9], broken=True)), sse(Body(event("two", "opaque/2")))
    )
    assert read(transport) == ["one", "two"]
    assert "Last-Event-ID" not in seen[0].headers
    assert seen[0].url.params["tail"] == "100"
    assert [request.headers["Last-Event-ID"] for request in seen[1:]] == ["opaque/1", "opaque/2"]
    assert "tail" not in seen[1].url.params


def test_lines_that_are_split_anywhere_arrive_whole() -> None:
    text = event("one", "1") + event("two", "2")
    transport, _ = streams(sse(Body(*(text[at : at + 3] for at in range(0, len(text), 3)))))
    assert read(transport) == ["one", "two"]


def test_what_is_no_log_line_is_left_out() -> None:
    transport, _ = streams(sse(Body(b": keep-alive\n\n", b"data: ping\n\n", event("one", "1"))))
    assert read(transport) == ["one"]


def test_it_ends_with_the_worker() -> None:
    transport, seen = streams()
    assert read(transport) == []
    assert len(seen) == 1


def test_a_busy_server_is_asked_again_but_not_for_ever() -> None:
    busy = [lambda _request: httpx.Response(503)] * 100
    transport, seen = streams(*busy)
    assert read(transport) == []
    assert len(seen) == FRUITLESS


def test_a_stream_that_the_platform_closes_is_looked_at_once_more() -> None:
    transport, seen = streams(sse(Body(event("one", "1"))), *[sse(Body())] * 100)
    assert read(transport) == ["one"]
    assert len(seen) == 2


def test_a_stream_that_is_closed_for_its_silence_is_opened_again() -> None:
    minutes = itertools.count(0, 60)
    transport, seen = streams(*[sse(Body())] * 4, sse(Body(event("at last", "1"))), *[sse(Body())] * 100)
    assert read(transport, monotonic=lambda: float(next(minutes)), most=1) == ["at last"]
    assert len(seen) == 5


def test_what_comes_after_the_end_of_a_stream_is_read_as_long_as_anything_comes() -> None:
    transport, seen = streams(sse(Body(event("one", "1"))), sse(Body(event("two", "2"))), *[sse(Body())] * 100)
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    assert read(transport, sleep=sleep) == ["one", "two"]
    assert (len(seen), slept) == (3, [CLOSED_S, CLOSED_S])


def test_when_the_minute_is_used_up_the_next_one_is_waited_for() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    refused = httpx.Response(429, headers={"Retry-After": "42"}, json={"detail": "too many requests"})
    transport, seen = streams(lambda _request: refused, sse(Body(event("one", "1"))))
    assert read(transport, sleep=sleep) == ["one"]
    assert (slept[0], len(seen)) == (42.0, 3)


def test_an_answer_that_is_no_stream_is_no_end() -> None:
    transport, _ = streams(lambda _request: httpx.Response(200, json={}), sse(Body(event("one", "1"))))
    assert read(transport) == ["one"]


def last(transport: httpx.AsyncBaseTransport, *, tail: int = 100) -> list[str]:
    async def main() -> list[str]:
        http = Http(BACKEND, transport=transport)
        try:
            return [line.line for line in await last_lines(http, URL, tail=tail)]
        finally:
            await http.aclose()

    return asyncio.run(main())


class Open(Body):
    """Sends chunks, then stays open, as the log of a worker that lives."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in super().__aiter__():
            yield chunk
        await asyncio.sleep(3600)


def test_the_last_lines_have_ended_when_the_stream_is_silent() -> None:
    transport, seen = streams(sse(Open(event("one"), event("two"))))
    assert last(transport, tail=50) == ["one", "two"]
    assert (len(seen), seen[0].url.params["tail"]) == (1, "50")


def test_no_more_than_was_asked_for_is_waited_for() -> None:
    transport, _ = streams(sse(Open(event("one"), event("two"))))
    assert last(transport, tail=1) == ["one"]


def test_the_last_lines_of_a_worker_that_has_ended_end_with_its_stream() -> None:
    transport, _ = streams(sse(Body(event("one"))))
    assert last(transport) == ["one"]


def test_a_worker_that_is_gone_has_no_last_lines() -> None:
    transport, _ = streams()
    assert last(transport) == []
