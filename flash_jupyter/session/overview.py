"""Everything that runs and ran, as one picture: the server's endpoints, joined with the store of jobs.

The server says which endpoints there are, and whose they are (labels); which notebook used one is only in our store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flash_jupyter.session.endpoints import EndpointView
from flash_jupyter.session.jobs import JobRecord
from flash_jupyter.wire.times import read_time

OURS, ORPHAN, OTHERS = "ours", "orphan", "others"


@dataclass(frozen=True)
class EndpointEntry:
    """An endpoint as a listing shows it; `notebook` and `last_job_at` are of the newest job that this user had on it.

    `whose` is `ours`, `orphan` (labelled, past its time to live, and without a job), or `others`.
    """

    view: EndpointView
    whose: str
    notebook: str = ""
    last_job_at: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return {
            **self.view.to_json(),
            "whose": self.whose,
            "notebook": self.notebook,
            "last_job_at": self.last_job_at,
        }


@dataclass(frozen=True)
class Overview:
    """What the panel shows: `status` as `Session.status` has it, endpoints oldest first, jobs newest first."""

    status: dict[str, Any]
    endpoints: tuple[EndpointEntry, ...]
    jobs: tuple[JobRecord, ...]
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return it as the views take it."""
        return {
            **self.status,
            "at": self.at.isoformat(),
            "endpoints": [entry.to_json() for entry in self.endpoints],
            "jobs": [job.to_json() for job in self.jobs],
        }


def entries(
    views: Iterable[EndpointView], jobs: Iterable[JobRecord], *, owner: str, now: datetime
) -> tuple[EndpointEntry, ...]:
    """Join endpoints with jobs, which come newest first."""
    newest: dict[str, JobRecord] = {}
    open_on: set[str] = set()
    for job in jobs:
        if job.endpoint_id:
            newest.setdefault(job.endpoint_id, job)
            if not job.state.is_final:
                open_on.add(job.endpoint_id)
    return tuple(_entry(view, newest.get(view.id), view.id in open_on, owner, now) for view in views)


def _entry(view: EndpointView, job: JobRecord | None, has_open_job: bool, owner: str, now: datetime) -> EndpointEntry:
    whose = OURS if view.owner and view.owner == owner else OTHERS
    if is_orphan(view, now) and not has_open_job:
        whose = ORPHAN
    return EndpointEntry(view, whose, job.notebook if job else "", job.created_at if job else "")


def is_orphan(view: EndpointView, now: datetime) -> bool:
    """Whether its time to live is over and it says that nothing is going on; one without our labels never is."""
    expires_at = read_time(view.expires_at)
    return expires_at is not None and expires_at <= now and view.jobs == "0" and view.state != "running"
