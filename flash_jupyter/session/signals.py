"""An event that is waited for at most for some time. `asyncio.wait_for` makes a task for that, and the loop turns twice
more: a tenth of what the loop thread does for a short cell.
"""

from __future__ import annotations

import asyncio


class Signal(asyncio.Event):
    """Set once, for all who wait; lives on one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        """Wake all who wait."""
        super().set()
        for waiter in self._waiting:
            _wake(waiter)

    async def wait_at_most(self, seconds: float) -> None:
        """Wait until it is set, or the time is over."""
        if self.is_set():
            return
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting.add(waiter)
        timer = loop.call_later(seconds, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiting.discard(waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
