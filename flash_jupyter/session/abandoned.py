"""Open jobs whose kernel is gone. Importing this brings no client along, for who looks from time to time is light."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone

from flash_jupyter import limits
from flash_jupyter.session.jobs import JobRecord, JobStore
from flash_jupyter.session.owner import may_live
from flash_jupyter.settings import Settings
from flash_jupyter.wire.times import read_time

#: no platform knows a job that is older: its longest time in the queue, then its longest run
FORGOTTEN_S = limits.JOB_TTL_MAX_S + limits.EXECUTION_TIMEOUT_MAX_S


def abandoned_jobs(settings: Settings, now: datetime) -> list[JobRecord]:
    """Return the open jobs of kernels that have ended, oldest first; no store is made for the question."""
    if not settings.job_store.is_file():
        return []
    oldest = now.astimezone(timezone.utc) - timedelta(seconds=FORGOTTEN_S)
    with closing(JobStore(settings.job_store)) as store:
        return [job for job in store.open_jobs() if not may_live(job.session or "") and _is_since(job, oldest)]


def _is_since(job: JobRecord, oldest: datetime) -> bool:
    created = read_time(job.created_at)
    return created is not None and created >= oldest
