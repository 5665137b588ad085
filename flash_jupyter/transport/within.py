"""A deadline that loses no cancellation.

`asyncio.wait_for` does before Python 3.12, where its work ends in the same moment (python/cpython issue 86296): a
deploy that was interrupted would go on to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def within(awaitable: Awaitable[T], seconds: float | None) -> T:
    """Return the result, or cancel the work and raise `asyncio.TimeoutError` after so many seconds; None: never."""
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _stopped(task)
        raise
    if not task.done():
        await _stopped(task)
        raise asyncio.TimeoutError
    return task.result()


async def _stopped(task: asyncio.Future[T]) -> None:
    """Cancel and wait for the end; what came of it is of no interest any more."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # else its loop complains that nobody looked
