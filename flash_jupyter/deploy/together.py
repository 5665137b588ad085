"""Several pieces of work at once, work that has to come to its end though somebody interrupts, and one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from filelock import AsyncFileLock, Timeout

T = TypeVar("T")

#: how many endpoints are made or changed at once: the control plane allows 60 requests a minute
AT_ONCE = 8


async def together(work: Iterable[Coroutine[Any, Any, Any]], *, finish: bool = False) -> list[Any]:
    """Run all, a few at a time; when one fails, the others come to their end before that is raised.

    With `finish` they do so when we are cancelled, too: what is on its way to the platform can't be called back, but
    taken back.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(each: Coroutine[Any, Any, Any]) -> Any:
        async with turns:
            return await each

    tasks = [asyncio.ensure_future(one(each)) for each in work]
    everything = asyncio.gather(*tasks, return_exceptions=True)
    try:
        results = await asyncio.shield(everything)
    except asyncio.CancelledError:
        for task in tasks if not finish else []:
            task.cancel()
        await to_the_end(everything)
        raise
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


async def to_the_end(work: Awaitable[T]) -> T:
    """Return the result of work that goes on when we are cancelled; that is raised after its end.

    Unlike `asyncio.shield`, which leaves the work behind.
    """
    task, cancelled = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as stopped:
            cancelled = stopped
    if cancelled is not None:
        raise cancelled
    return task.result()


@asynccontextmanager
async def in_turn(path: Path, say: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the lock of this file; `say` is called once where somebody else has it."""
    lock = AsyncFileLock(path)
    try:
        await lock.acquire(blocking=False)
    except Timeout:
        say()
        await lock.acquire()
    try:
        yield
    finally:
        await lock.release()
