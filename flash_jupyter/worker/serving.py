"""The `runpod` SDK's worker around a handler: one job after the other, without the SDK's one-second floor.

With room for fewer than three jobs the SDK sleeps a second after each (runpod-platform.md 1.6), so a worker says that
it has room for three while its jobs are short, and for one when they are not: jobs that wait for a long one here are
kept from other workers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from flash_jupyter.worker.current import serving
from flash_jupyter.worker.handler import Handler, timeout_of

ROOM_WITHOUT_FLOOR = 3
#: seconds from which a job is long: the floor is a small part of it then
LONG_S = 1.0


class Turns:
    """Runs so many jobs at a time, one where nobody said `max_concurrency=`, and says for how many there is room.

    A class's instance is one for all of them.
    """

    def __init__(self, handler: Handler, at_once: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._handler, self._at_once, self._clock = handler, at_once, clock
        self._turn = asyncio.Semaphore(at_once)
        self._began: float | None = None
        self._last_s = 0.0

    async def handle(self, job: Mapping[str, Any]) -> Any:
        """Run the job as soon as there is room."""
        async with self._turn:
            self._began = began = self._clock()
            try:
                with serving(timeout_of(job)):
                    return await self._handler(job)
            finally:
                self._last_s, self._began = self._clock() - began, None

    def room(self, _current: int) -> int:
        """Return how many jobs the SDK may take at once; its `concurrency_modifier`."""
        if self._at_once > 1:
            return self._at_once
        running_s = 0.0 if self._began is None else self._clock() - self._began
        return 1 if max(running_s, self._last_s) >= LONG_S else ROOM_WITHOUT_FLOOR


def serve_queue(handler: Handler, at_once: int = 1) -> None:
    """Run the SDK's worker, with so many jobs at once; returns when that ends."""
    import runpod

    turns = Turns(handler, at_once)
    runpod.serverless.start({"handler": turns.handle, "concurrency_modifier": turns.room})
