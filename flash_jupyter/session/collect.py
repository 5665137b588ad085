"""Bringing home the jobs of a kernel that is gone: until each is over, and its result is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


async def collect_jobs(settings: Settings, session_id: str) -> None:
    """Follow the open jobs of a session until they are over."""
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
