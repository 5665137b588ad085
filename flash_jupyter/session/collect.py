"""Bringing home the jobs of other processes, and of kernels that are gone: until each is over, its result stored."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from flash_jupyter.errors import ApiError, AuthenticationError, FlashError, NotFoundError, ResultLost
from flash_jupyter.limits import CONTROL_RATE_PER_MINUTE
from flash_jupyter.session.cancelling import Cancellation, JobCancelled
from flash_jupyter.session.cost import measured
from flash_jupyter.session.events import Notice
from flash_jupyter.session.follow import POLL_CAP_S, result_lost
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.links import Links
from flash_jupyter.session.owner import may_live
from flash_jupyter.session.records import JobRecord, utc_now
from flash_jupyter.session.results import Finished
from flash_jupyter.session.running import Runner
from flash_jupyter.session.submitting import Desk, Place
from flash_jupyter.session.writer import BackgroundWriter
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState
from flash_jupyter.transport.http import ONCE
from flash_jupyter.wire.jobs import Job

#: between two looks at a job, at most; a result is kept for half an hour, and the worker's log tells of its end
POLL_S = 20.0
#: while the platform does not answer, as on a laptop without a network: the pause before the next try
PAUSE_S, PAUSE_FACTOR, PAUSE_CAP_S = 5.0, 2.0, 120.0
UNPRICED = (
    f"price not known: the control plane, which takes {CONTROL_RATE_PER_MINUTE} requests a minute, did not tell it; "
    "%flash cost has what the endpoint was billed, once the platform has put it on the bill"
)
NEVER_SENT = "its kernel ended before it was sent; nothing ran"


def settings_of(order: Mapping[str, Any]) -> Settings:
    """Make the settings of the kernel that is gone."""
    return Settings(**{**order, "home": Path(order["home"]), "cache": Path(order["cache"])})


def collector_lock(settings: Settings, session_id: str) -> FileLock:
    """Return what only one collector of a session can hold, whichever process it is."""
    name = hashlib.sha256(session_id.encode()).hexdigest()[:16]
    folder = settings.home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"collector-{name}.lock", thread_local=False)


class Follower(Runner):
    """The way of a job that another process sent, or that nobody here follows any more."""

    #: whether something is charged for the job, and nobody told how much
    _is_unpriced = False

    async def resume(self, *, poll_cap_s: float = POLL_CAP_S) -> Finished:
        """Follow a job that another process submitted; raises as `run` does, and `ResultLost`."""
        return await self._until_over(self._follow_again(poll_cap_s))

    async def refresh(self) -> None:
        """Look once where a job is that nobody here follows, and bring home what is over."""
        with contextlib.suppress(FlashError, JobCancelled):  # how it ended is in the store
            self._place = place = await self._submitter.reopen()
            job = await place.queue.status(place.platform_id, retry=ONCE)
            if job.status.is_final:
                await self.resume()
            else:
                self._desk.note(self.record.id, state=job.status, seen_at=utc_now())

    async def cancel_elsewhere(self) -> Cancellation:
        """Stop a job that another kernel follows, or nobody; returns how that ended."""
        if self.record.platform_id is None:
            self._end(JobState.CANCELLED)
            return Cancellation(self.record.id, note="cancelled before it was sent", by=self.record.cancelled_by or "")
        place = await self._submitter.reopen()
        await place.queue.cancel(place.platform_id)
        job = await place.queue.status(place.platform_id)
        if job.worker_id:
            self._meet(place, job.worker_id)
        if job.status is not JobState.CANCELLED:  # its kernel takes the answer
            return Cancellation(self.record.id, job.status)
        place = await self._submitter.rated(place)
        self.measured = measured(job, place.rate)
        cancellation = await self._see_cancelled(job, place)
        self._end(JobState.CANCELLED, error=cancellation.text, cost_usd=cancellation.cost_usd)
        return cancellation

    async def _follow_again(self, poll_cap_s: float) -> Finished:
        await asyncio.to_thread(self._feed.restore)
        try:
            self._place = place = await self._submitter.rated(self._place or await self._submitter.reopen())
        except NotFoundError:
            raise result_lost(self.record, self._deleted) from None
        try:
            return await self._finish(place, None, poll_cap_s)
        except ResultLost:
            raise result_lost(self.record, await self._why_lost(place)) from None
        finally:
            if self._is_unpriced:
                self._feed.tell(Notice(UNPRICED))

    async def _answer_of(self, job: Job, place: Place, timeout_s: int | None) -> bytes:
        """Return the answer; a price that nobody told before is asked for again: the minute may be over."""
        if place.rate is None and job.execution_ms is not None:
            place = await self._submitter.rated(place)
            self.measured = measured(job, place.rate)
            is_charged = place.link.backend.name == "runpod"
            # a cancelled one says so itself
            self._is_unpriced = is_charged and place.rate is None and job.status is not JobState.CANCELLED
        return await super()._answer_of(job, place, timeout_s)

    @property
    def _deleted(self) -> str:
        return f"its endpoint {self.record.name} was deleted, and its results with it"

    async def _why_lost(self, place: Place) -> str:
        try:
            await place.link.control.get(place.endpoint.id, retry=ONCE)
        except NotFoundError:
            return self._deleted
        except ApiError:
            pass
        return "the platform keeps one for 30 minutes after the end, and nothing of ours ran then to take it"


async def collect_jobs(settings: Settings, session_id: str) -> None:
    """Follow the open jobs of a session until they are over, once nobody else does."""
    lock = collector_lock(settings, session_id)
    await asyncio.to_thread(lock.acquire)
    try:
        await _collect_jobs(settings, session_id)
    finally:
        lock.release()


async def _collect_jobs(settings: Settings, session_id: str) -> None:
    store, writer, links = JobStore(settings.job_store), BackgroundWriter(), Links(settings)
    try:
        desk = Desk(links, settings.home / "logs", store, writer)
        await asyncio.gather(*(_bring_home(desk, job) for job in store.open_jobs(session_id)))
    finally:
        await links.aclose()
        writer.close()
        store.close()


async def refresh(desk: Desk, job: JobRecord) -> None:
    """Bring a job up to date that nobody here follows: where it is, and its result where it is over."""
    if job.platform_id:
        await Follower(desk, job).refresh()
    elif not may_live(job.session or ""):
        desk.store.finish(job.id, JobState.FAILED, error=NEVER_SENT)


async def look_after(desk: Desk, settings: Settings, jobs: Sequence[JobRecord]) -> None:
    """Bring some jobs of one session up to date whose kernel has ended, unless its collector is at it."""
    lock = collector_lock(settings, jobs[0].session or "")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return
    try:
        await asyncio.gather(*(refresh(desk, job) for job in jobs))
    finally:
        await asyncio.to_thread(desk.writer.flush)
        lock.release()


async def _bring_home(desk: Desk, job: JobRecord) -> None:
    if job.platform_id is None:
        desk.store.finish(job.id, JobState.FAILED, error=NEVER_SENT)
        return
    pause_s = PAUSE_S
    while True:
        try:
            await Follower(desk, job).resume(poll_cap_s=POLL_S)
            return
        except AuthenticationError as refused:
            desk.store.update(job.id, error=str(refused))
            return
        except ApiError:  # it has waited for a while already
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * PAUSE_FACTOR, PAUSE_CAP_S)
        except Exception:  # its end is written down
            return
