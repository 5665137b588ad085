"""What the workers of an endpoint say, while they say it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from flash_jupyter.errors import ApiError, NotFoundError
from flash_jupyter.session.links import Link
from flash_jupyter.session.logs import LogReader
from flash_jupyter.transport.http import ONCE
from flash_jupyter.transport.logs import follow_log
from flash_jupyter.transport.loop import LoopThread

#: between two looks at the list of workers, in seconds: each is a call of the control plane
WORKERS_S = 15.0
#: looks in a row that brought no answer, after which the backend counts as gone
FRUITLESS_LOOKS = 4
#: pieces that wait for a slow reader; then the workers' streams are read no further
WAITING_PIECES = 1_000


@dataclass(frozen=True)
class Piece:
    """Some text of a log; `worker_id` is empty for a job's own."""

    text: str
    worker_id: str = ""


async def follow_endpoint(
    link: Link, endpoint_id: str, *, tail: int, look_s: float = WORKERS_S
) -> AsyncGenerator[Piece, None]:
    """Yield what the workers of an endpoint say, the last `tail` lines of each first, until the endpoint is gone.

    Raises `ApiError` where the backend does not answer any more.
    """
    pieces: asyncio.Queue[Piece | None] = asyncio.Queue(WAITING_PIECES)
    watching = asyncio.ensure_future(_watch_workers(link, endpoint_id, tail, look_s, pieces))
    try:
        while (piece := await pieces.get()) is not None:
            yield piece
        await watching  # it says why it ended
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch_workers(
    link: Link, endpoint_id: str, tail: int, look_s: float, pieces: asyncio.Queue[Piece | None]
) -> None:
    """Follow each worker that is listed, once, until the endpoint is gone."""
    followers: dict[str, asyncio.Task[None]] = {}
    fruitless = 0
    try:
        while True:
            try:
                listed = await link.control.workers(endpoint_id, retry=ONCE)
                fruitless = 0
            except NotFoundError:
                return
            except ApiError:
                fruitless += 1
                if fruitless == FRUITLESS_LOOKS:
                    raise
                listed = ()
            for worker in listed:
                if worker.id not in followers:
                    follower = asyncio.ensure_future(_follow_worker(link, endpoint_id, worker.id, tail, pieces))
                    followers[worker.id] = follower
            await _pause(followers.values(), look_s)
    finally:
        for follower in followers.values():
            follower.cancel()
        await asyncio.gather(*followers.values(), return_exceptions=True)
        _end(pieces)


async def _pause(followers: Iterable[asyncio.Task[None]], seconds: float) -> None:
    """Wait until a worker is gone, for then the endpoint may be too; so many seconds at most."""
    following = [follower for follower in followers if not follower.done()]
    if following:
        await asyncio.wait(following, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    else:
        await asyncio.sleep(seconds)


async def _follow_worker(
    link: Link, endpoint_id: str, worker_id: str, tail: int, pieces: asyncio.Queue[Piece | None]
) -> None:
    reader = LogReader()
    url = link.control.logs_url(endpoint_id, worker_id)
    async with aclosing(follow_log(link.http, url, tail=tail)) as lines:
        async for line in lines:
            if text := reader.read(line):
                await pieces.put(Piece(text, worker_id))


def _end(pieces: asyncio.Queue[Piece | None]) -> None:
    """Say that nothing more comes; a reader that is far behind loses the last piece for it."""
    if pieces.full():
        pieces.get_nowait()
    pieces.put_nowait(None)


async def across(loop: LoopThread, stream: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
    """Yield on the running loop what a stream yields on the loop thread; closing this one closes that one."""
    here, pieces = asyncio.get_running_loop(), asyncio.Queue[Piece](1)

    async def pump() -> None:
        try:
            async for piece in stream:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(pieces.put(piece), here))
        finally:
            await stream.aclose()

    ended = asyncio.wrap_future(loop.submit(pump()))
    coming = asyncio.ensure_future(pieces.get())
    try:
        while not ended.done() or coming.done() or not pieces.empty():
            waited: set[asyncio.Future[Any]] = {coming} if ended.done() else {coming, ended}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                yield coming.result()
                coming = asyncio.ensure_future(pieces.get())
        ended.result()
    finally:
        coming.cancel()
        ended.cancel()
