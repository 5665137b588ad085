"""What a stream on the loop thread yields is read on another loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator

import pytest

from flash_jupyter.errors import UnreachableError
from flash_jupyter.session.live_logs import Piece, across
from flash_jupyter.transport.loop import LoopThread


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


class Source:
    """A stream on the loop thread: what it yields, and whether it was closed there."""

    def __init__(self, pieces: int, failure: Exception | None = None) -> None:
        self.pieces, self.failure = pieces, failure
        self.yielded = 0
        self.threads: set[str] = set()
        self.is_closed = threading.Event()

    async def stream(self) -> AsyncGenerator[Piece, None]:
        try:
            for number in range(self.pieces):
                self.threads.add(threading.current_thread().name)
                self.yielded += 1
                yield Piece(str(number))
            if self.failure is not None:
                raise self.failure
            if self.pieces == 0:
                await asyncio.Event().wait()
        finally:
            self.is_closed.set()


def test_all_pieces_come_in_order(loop: LoopThread) -> None:
    source = Source(500)

    async def read() -> list[str]:
        return [piece.text async for piece in across(loop, source.stream())]

    assert asyncio.run(read()) == [str(number) for number in range(500)]
    assert source.threads == {"flash_jupyter"}


def test_who_reads_slowly_is_waited_for(loop: LoopThread) -> None:
    source = Source(500)

    async def read() -> int:
        pieces = across(loop, source.stream())
        await anext(pieces)
        await asyncio.sleep(0.1)
        yielded = source.yielded
        await pieces.aclose()
        return yielded

    assert asyncio.run(read()) < 10
    assert source.is_closed.wait(60)


def test_a_failure_comes_after_the_pieces_before_it(loop: LoopThread) -> None:
    source = Source(3, UnreachableError("gone"))

    async def main() -> list[str]:
        pieces = across(loop, source.stream())
        read = [(await anext(pieces)).text for _ in range(3)]
        with pytest.raises(UnreachableError, match="gone"):
            await anext(pieces)
        return read

    assert asyncio.run(main()) == ["0", "1", "2"]


def test_a_reader_that_is_cancelled_closes_the_silent_stream(loop: LoopThread) -> None:
    source = Source(0)

    async def main() -> None:
        reading = asyncio.ensure_future(anext(across(loop, source.stream())))
        await asyncio.wait({reading}, timeout=0.1)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(main())
    assert source.is_closed.wait(60)
