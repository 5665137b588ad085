"""Bringing home the jobs of a kernel that is gone: until each is over, and its result is in the store."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from flash_jupyter.errors import ApiError, AuthenticationError
from flash_jupyter.session.jobs import JobRecord, JobStore
from flash_jupyter.session.kinds import make_runner
from flash_jupyter.session.links import Links
from flash_jupyter.session.owner import may_live
from flash_jupyter.session.submitting import Desk
from flash_jupyter.session.writer import BackgroundWriter
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState

#: between two looks at a job, at most; a result is kept for half an hour, and the worker's log tells of its end
POLL_S = 20.0
#: while the platform does not answer, as on a laptop without a network: the pause before the next try
PAUSE_S, PAUSE_FACTOR, PAUSE_CAP_S = 5.0, 2.0, 120.0
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
        desk = Desk(links, store, writer)
        await asyncio.gather(*(_bring_home(desk, settings, job) for job in store.open_jobs(session_id)))
    finally:
        await links.aclose()
        writer.close()
        store.close()


async def refresh(desk: Desk, settings: Settings, job: JobRecord) -> None:
    """Bring a job up to date that nobody here follows: where it is, and its result where it is over."""
    if job.platform_id:
        await make_runner(desk, settings, job).refresh()
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
        await asyncio.gather(*(refresh(desk, settings, job) for job in jobs))
    finally:
        await asyncio.to_thread(desk.writer.flush)
        lock.release()


async def _bring_home(desk: Desk, settings: Settings, job: JobRecord) -> None:
    if job.platform_id is None:
        desk.store.finish(job.id, JobState.FAILED, error=NEVER_SENT)
        return
    pause_s = PAUSE_S
    while True:
        try:
            await make_runner(desk, settings, job).resume(poll_cap_s=POLL_S)
            return
        except AuthenticationError as refused:
            desk.store.update(job.id, error=str(refused))
            return
        except ApiError:  # it has waited for a while already
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * PAUSE_FACTOR, PAUSE_CAP_S)
        except Exception:  # its end is written down
            return
