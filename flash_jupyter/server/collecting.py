"""The rounds of the collector (D8) while a Jupyter server lives: jobs that dead kernels left are looked after.

A kernel has a collector process of its own, which follows its jobs closely. What that misses, for it was killed too or
the machine was restarted, is found here: a look at a time at each such job, until its result is in the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING

from flash_jupyter.errors import FlashError

if TYPE_CHECKING:
    from flash_jupyter.server.desk import Desk
    from flash_jupyter.session.records import JobRecord
    from flash_jupyter.settings import Settings

#: seconds from the server's start to the first round, and between rounds
FIRST_S, ROUND_S = 5.0, 20.0
#: jobs a round: each look is a call of the control plane, which allows 60 a minute
JOBS_A_ROUND = 5
#: between two looks at one job: it grows, but a result is kept for half an hour only
PAUSE_S, PAUSE_FACTOR, PAUSE_CAP_S = 20.0, 2.0, 300.0


@dataclass(frozen=True)
class Due:
    """When a job is looked at next, and the pause after that; seconds."""

    at: float
    pause_s: float


class Collecting:
    """The rounds; `now` is a seam."""

    def __init__(
        self,
        desk: Desk,
        log: logging.Logger,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        first_s: float = FIRST_S,
        round_s: float = ROUND_S,
    ) -> None:
        self._desk, self._log, self._now = desk, log, now
        self._first_s, self._round_s = first_s, round_s
        self._due: dict[str, Due] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; the first round is some seconds away, so that a server's start is not slower for it."""
        self._task = asyncio.get_running_loop().create_task(self._rounds())

    async def stop(self) -> None:
        """End; what is under way is left to whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def round(self) -> None:
        """Look at the jobs that are due; nothing is started, and no client made, where there are none."""
        settings = await self._desk.settings()
        jobs = self._choose(await self._desk.aside(partial(_find, settings, self._now())))
        if jobs:
            async with self._desk.service() as service:
                await service.bring_home(jobs)

    async def _rounds(self) -> None:
        await asyncio.sleep(self._first_s)
        while True:
            try:
                await self.round()
            except FlashError:
                pass  # unusable settings, or store: who asks for a listing is told
            except Exception as error:  # the next round may do better
                self._log.warning("flash_jupyter: a round of the collector failed: %s", type(error).__name__)
            await asyncio.sleep(self._round_s)

    def _choose(self, jobs: list[JobRecord]) -> list[JobRecord]:
        """Return the jobs that are due, and put off their next look."""
        now = self._now().timestamp()
        self._due = {job.id: self._due.get(job.id, Due(now, PAUSE_S)) for job in jobs}
        chosen = [job for job in jobs if self._due[job.id].at <= now][:JOBS_A_ROUND]
        for job in chosen:
            pause_s = self._due[job.id].pause_s
            self._due[job.id] = Due(now + pause_s, min(pause_s * PAUSE_FACTOR, PAUSE_CAP_S))
        return chosen


def _find(settings: Settings, now: datetime) -> list[JobRecord]:
    from flash_jupyter.session.owner import abandoned_jobs

    return abandoned_jobs(settings, now)
