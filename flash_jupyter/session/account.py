"""What there is and what it costs: jobs, endpoints, volumes, the bill. The half of a session that runs nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from concurrent.futures import wait
from datetime import datetime, timezone
from typing import Any
from weakref import WeakValueDictionary

from flash_jupyter.resources.options import RemoteOptions
from flash_jupyter.session.bill import DAYS, Bill, read_bill
from flash_jupyter.session.budget import Budget, Caps
from flash_jupyter.session.cancelling import Cancellation
from flash_jupyter.session.collect import Follower, look_after, refresh
from flash_jupyter.session.endpoints import (
    EndpointView,
    Overview,
    entries,
    list_endpoints,
    undeploy,
    undeploy_all,
    undeploy_ids,
)
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.keeper import Keeper
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local import local_info
from flash_jupyter.session.meter import Reading
from flash_jupyter.session.owner import new_session_id
from flash_jupyter.session.records import JobRecord
from flash_jupyter.session.running import Runner
from flash_jupyter.session.submitting import Desk
from flash_jupyter.session.sweep import Orphan, Swept, find_orphans, remove_orphans
from flash_jupyter.session.volumes import VolumeView, delete_volume, list_volumes
from flash_jupyter.session.wait import CONFIRM_S
from flash_jupyter.session.writer import BackgroundWriter
from flash_jupyter.settings import BackendName, Settings
from flash_jupyter.states import JobState
from flash_jupyter.transport.loop import LoopThread

#: what a listing of jobs may wait for the platform, in seconds
REFRESH_S = 5.0


class Account:
    """Blocking calls about the backend in use. The embedded Runpod is not started to be asked what it has."""

    def __init__(self, settings: Settings, links: Links, budget: Budget) -> None:
        self.settings, self.links, self.budget = settings, links, budget
        self.id = new_session_id(settings.owner)
        self.loop = LoopThread()
        self._store = JobStore(settings.job_store)
        self._writer = BackgroundWriter(when_idle=self._store.write_back)
        self._keeper = Keeper(settings, self.id)
        self._desk = Desk(links, settings.home / "logs", self._store, self._writer, budget, self._keeper)
        #: the jobs of this kernel that are on their way
        self._runners: WeakValueDictionary[str, Runner] = WeakValueDictionary()
        self._listed: list[EndpointView] = []

    def backend_of(self, options: RemoteOptions) -> BackendName:
        """Return which Runpod runs a cell with these options."""
        return options.backend or self.settings.backend

    def key_origin(self, backend: BackendName) -> str:
        """Say where the key for a backend comes from."""
        return "the embedded Runpod's own" if backend == "local" else self.settings.key_origin

    def jobs(self, *, of_scratch: bool = False) -> list[JobRecord]:
        """Return the jobs of all kernels, newest first; those of scratch copies only where they are asked for."""
        self._writer.flush()
        return self._store.newest(of_scratch=of_scratch)

    def job(self, job: str) -> JobRecord:
        """Return the job with our id, the platform's, or a unique beginning of either, or raise `OptionError`."""
        self._writer.flush()
        return self._store.find(job)

    def refresh_jobs(self, within_s: float = REFRESH_S) -> None:
        """Bring the jobs up to date that nobody here follows and that are not known to be over."""
        self._writer.flush()
        stale = [job for job in self._reachable(self._store.open_jobs()) if job.id not in self._runners]
        wait([self.loop.submit(refresh(self._desk, job)) for job in stale], within_s)
        self._writer.flush()

    def look_after(self, jobs: Iterable[JobRecord], within_s: float) -> None:
        """Bring jobs of kernels that have ended up to date, where no collector does."""
        by_session: defaultdict[str, list[JobRecord]] = defaultdict(list)
        for job in self._reachable(jobs):
            by_session[job.session or ""].append(job)
        groups = by_session.values()
        wait([self.loop.submit(look_after(self._desk, self.settings, group)) for group in groups], within_s)
        self._writer.flush()

    def _reachable(self, jobs: Iterable[JobRecord]) -> list[JobRecord]:
        """Return those of the embedded Runpod only while it runs, and those of the cloud only with a key."""
        here = {"local": local_info(self.settings) is not None, "runpod": bool(self.settings.api_key)}
        return [job for job in jobs if here[job.backend]]

    def cancel(self, job: str, *, by: str = "another program") -> Cancellation:
        """Stop a job, also one that a cell waits for, and return how that ended; from any thread.

        `job` is our id, the platform's, or a unique beginning; `by` says from where, to the cell that waits.
        """
        record = self.job(job)
        runner = self._runners.get(record.id)
        if runner is not None and runner.final is None:
            return self.loop.call(runner.stop(CONFIRM_S))
        if record.state is JobState.CANCELLED:
            return Cancellation(record.id, note=record.error or "cancelled")
        if record.state.is_final:
            return Cancellation(record.id, record.state)
        self._store.update(record.id, cancelled_by=by)
        record = self._store.find(record.id)  # its kernel may have sent it meanwhile; from now on it sees who cancelled
        return self.loop.call(Follower(self._desk, record).cancel_elsewhere())

    def overview(self) -> Overview:
        """Return endpoints and jobs in one picture; one control plane call, as `endpoints`."""
        jobs, now = self.jobs(of_scratch=True), datetime.now(timezone.utc)
        views = self.endpoints()
        return Overview(
            status=self.status(),
            endpoints=entries(views, jobs, owner=self.settings.owner, now=now),
            jobs=tuple(job for job in jobs if not job.is_of_scratch),
            at=now,
        )

    def status(self) -> dict[str, Any]:
        """Return which backend is used, and what is open; needs no network."""
        local = local_info(self.settings)
        local_url = local.url if local else None
        return {
            "backend": self.settings.backend,
            "url": local_url if self.settings.backend == "local" else self.settings.api_url,
            "key_origin": self.settings.key_origin,
            "owner": self.settings.owner,
            "local_running": local is not None,
            "open_jobs": [job.id for job in self.jobs() if not job.state.is_final],
        }

    def endpoints(self) -> list[EndpointView]:
        """Return the endpoints of the backend in use; none where the embedded Runpod is not running."""
        if self._is_asleep():
            return []
        self._listed = self.loop.call(list_endpoints(self._link()))
        return self._listed

    def known_endpoints(self) -> list[str]:
        """Return the names of the last listing, and of what was made since; no I/O."""
        link = self.links.known(self.settings.backend)
        made = link.provisioner.names if link else []
        return list(dict.fromkeys([*(endpoint.name for endpoint in self._listed), *made]))

    def undeploy(self, name: str, *, backend: BackendName | None = None) -> list[str]:
        """Delete the endpoints with this name or id; returns the names that a listing no longer shows."""
        return self._forget(self.loop.call(undeploy(self.links.open(backend or self.settings.backend), name)))

    def undeploy_all(self) -> list[str]:
        """Delete all endpoints that have this user's label; returns the names that a listing no longer shows."""
        if self._is_asleep():
            return []
        return self._forget(self.loop.call(undeploy_all(self._link(), self.settings.owner)))

    def undeploy_ids(self, ids: Collection[str]) -> list[str]:
        """Delete the endpoints with these ids; returns the names that a listing no longer shows."""
        return self._forget(self.loop.call(undeploy_ids(self._link(), ids)))

    def orphans(self) -> list[Orphan]:
        """Return this user's endpoints that have expired and have no job."""
        if self._is_asleep():
            return []
        return self.loop.call(find_orphans(self._link(), self.settings.owner))

    def sweep(self, ids: Iterable[str] | None = None) -> Swept:
        """Delete orphans, those with these ids or all; what has a job by now is kept."""
        if self._is_asleep():
            return Swept([], [])
        swept = self.loop.call(remove_orphans(self._link(), self.settings.owner, ids))
        self._forget(swept.deleted)
        return swept

    def volumes(self) -> list[VolumeView]:
        """Return the network volumes of the backend in use, with what each costs a month where it is billed."""
        if self._is_asleep():
            return []
        return self.loop.call(list_volumes(self._link().control, is_billed=self.settings.backend == "runpod"))

    def delete_volume(self, name: str) -> str:
        """Delete a network volume, by name or id, with all that is on it; returns its id once it is gone."""
        return self.loop.call(delete_volume(self._link().control, name))

    def limit_cost(self, per_hour: float | None, total: float | None) -> None:
        """Limit what may be spent from now on, in US dollars; None is what the environment says."""
        hour = self.settings.max_cost_per_hour if per_hour is None else per_hour
        self.budget.caps = Caps(hour, self.settings.max_cost if total is None else total)

    def bill(self, days: int = DAYS) -> Bill | None:
        """Return what the platform has billed; None where the embedded Runpod is not running."""
        return None if self._is_asleep() else self.loop.call(read_bill(self._link(), days))

    def meter(self) -> Reading:
        """Return what this kernel has spent, by our own reckoning."""

        async def read() -> Reading:
            return self.budget.meter.read()

        return self.loop.call(read())

    def _link(self) -> Link:
        return self.links.open(self.settings.backend)

    def _forget(self, gone: list[str]) -> list[str]:
        """Endpoints with these names are deleted."""
        self._listed = [endpoint for endpoint in self._listed if endpoint.name not in gone]
        self.budget.meter.gone(gone)
        return gone

    def _is_asleep(self) -> bool:
        """Whether the embedded Runpod is used and does not run, so that nothing costs anything: it is not started."""
        return self.settings.backend == "local" and local_info(self.settings) is None
