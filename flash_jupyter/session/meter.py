"""The meter of one kernel: what its jobs cost while they ran, and their workers while they waited for the next one.

It is our own reckoning, at the price of the dearest hardware that an endpoint may have; requests of a load balancer
count one by one, though a worker may serve several at once. What a start takes is on the bill only, as is what other
kernels do on the same workers.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from flash_jupyter.session.cost import Rate, job_cost_usd

#: asks once where a job is, and tells the meter
Look = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Row:
    """A cell or a function on one endpoint; `running` is how many run now, `usd` None where no price is known."""

    what: str
    endpoint: str
    is_charged: bool
    runs: int = 0
    running: int = 0
    seconds: float = 0.0
    usd: float | None = 0.0


@dataclass(frozen=True)
class Reading:
    """What the meter shows, in US dollars. `workers` run or wait now, for `per_hour_usd` an hour together.

    `is_charged` is false where all of it was on the embedded Runpod: its prices are the catalogue's, and nothing is
    charged. Otherwise the sums are of what is charged.
    """

    cells: tuple[Row, ...]
    jobs_usd: float
    waiting_usd: float
    per_hour_usd: float
    workers: int
    is_charged: bool

    @property
    def total_usd(self) -> float:
        """What jobs and waiting workers cost together."""
        return round(self.jobs_usd + self.waiting_usd, 6)

    def to_json(self) -> dict[str, Any]:
        """Return it as `--json` prints it."""
        return {**asdict(self), "total_usd": self.total_usd}


@dataclass
class _Job:
    """A job that was sent; seconds of the meter's clock."""

    what: str
    rate: Rate
    timeout_s: float
    began_at: float | None = None
    worker_id: str = ""
    #: of a job that nobody follows
    look: Look | None = None

    def ran_s(self, now: float) -> float:
        return 0.0 if self.began_at is None else min(max(now - self.began_at, 0.0), self.timeout_s)


@dataclass
class _Worker:
    """A worker that has run jobs of ours; it is free since `free_at`."""

    rate: Rate
    waited_s: float = 0.0
    free_at: float | None = None

    def works(self, began_at: float, ended_at: float) -> None:
        self.waited_s = self.wait_s(began_at)
        self.free_at = ended_at if self.free_at is None else max(self.free_at, ended_at)

    def wait_s(self, now: float) -> float:
        since_s = 0.0 if self.free_at is None else max(now - self.free_at, 0.0)
        return self.waited_s + min(since_s, self.rate.idle_s)

    def is_waiting(self, now: float) -> bool:
        return self.free_at is not None and now - self.free_at < self.rate.idle_s


class Meter:
    """Told of jobs on the loop thread, and read there. `clock` gives seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._jobs: dict[str, _Job] = {}
        self._workers: dict[str, _Worker] = {}
        self._rows: dict[tuple[str, str, bool], Row] = {}

    def sent(self, job_id: str, what: str, rate: Rate, timeout_s: float) -> None:
        """A job goes to an endpoint, maybe not for the first time."""
        self.ended(job_id)
        self._jobs[job_id] = _Job(what, rate, timeout_s)

    def began(self, job_id: str, worker_id: str | None = None) -> None:
        """A worker has it."""
        job = self._jobs.get(job_id)
        if job is not None:
            job.began_at = self._clock() if job.began_at is None else job.began_at
            job.worker_id = worker_id or job.worker_id

    def accepted(self, request_id: str, job_id: str, look: Look) -> None:
        """The platform has it as a job of this id; whether that runs, `look` sees, or somebody else."""
        job = self._jobs.pop(request_id, None)
        if job is not None:
            self._jobs[job_id] = _Job(job.what, job.rate, job.timeout_s, look=look)

    def dropped(self, job_id: str) -> None:
        """It ran nowhere: its endpoint was gone."""
        self._jobs.pop(job_id, None)

    def ended(self, job_id: str, execution_ms: int | None = None, worker_id: str | None = None) -> None:
        """It is over, after the platform's milliseconds where it told them; one that never ran costs nothing."""
        job = self._jobs.pop(job_id, None)
        now = self._clock()
        if job is None or (job.began_at is None and execution_ms is None):
            return
        took_ms = round(job.ran_s(now) * 1000) if execution_ms is None else execution_ms
        worker = self._workers.setdefault(worker_id or job.worker_id or job_id, _Worker(job.rate))
        worker.works(now - took_ms / 1000, now)
        key = (job.what, job.rate.endpoint, job.rate.is_charged)
        self._rows[key] = _with(self._rows.get(key) or Row(*key), job.rate, took_ms, runs=1)

    def gone(self, endpoints: Iterable[str]) -> None:
        """These endpoints are deleted: their workers wait no longer."""
        names, now = set(endpoints), self._clock()
        for worker in self._workers.values():
            if worker.rate.endpoint in names:
                worker.waited_s, worker.free_at = worker.wait_s(now), None

    def spent_usd(self) -> float:
        """What was charged so far, with the jobs that run now."""
        reading = self.read()
        return reading.total_usd if reading.is_charged else 0.0

    def may_still_cost_usd(self) -> float:
        """What the open jobs may be charged for until their timeouts."""
        now = self._clock()
        charged = (job for job in self._jobs.values() if job.rate.is_charged)
        return sum(max(job.timeout_s - job.ran_s(now), 0.0) * job.rate.usd_per_s for job in charged)

    def unseen(self) -> dict[str, Look]:
        """Return how to look at each open job that is charged and that nobody follows, oldest first."""
        return {job_id: job.look for job_id, job in self._jobs.items() if job.look and job.rate.is_charged}

    def busy(self) -> dict[str, Rate]:
        """Return the endpoints that have an open job which is charged."""
        return {job.rate.endpoint: job.rate for job in self._jobs.values() if job.rate.is_charged}

    def read(self) -> Reading:
        """Return what it shows now."""
        now = self._clock()
        rows = dict(self._rows)
        for job in self._jobs.values():
            key = (job.what, job.rate.endpoint, job.rate.is_charged)
            row = _with(rows.get(key) or Row(*key), job.rate, round(job.ran_s(now) * 1000), runs=0)
            rows[key] = replace(row, running=row.running + (job.began_at is not None))
        is_charged = any(row.is_charged for row in rows.values())
        counted = [row for row in rows.values() if row.is_charged == is_charged]
        workers = [worker for worker in self._workers.values() if worker.rate.is_charged == is_charged]
        prices = self._now_usd_per_hour(now, is_charged)
        return Reading(
            cells=tuple(rows.values()),
            jobs_usd=round(sum(row.usd or 0.0 for row in counted), 6),
            waiting_usd=round(sum(worker.wait_s(now) * worker.rate.usd_per_s for worker in workers), 6),
            per_hour_usd=round(sum(prices), 4),
            workers=len(prices),
            is_charged=is_charged,
        )

    def _now_usd_per_hour(self, now: float, is_charged: bool) -> list[float]:
        """The price of each worker that runs a job of ours or waits for one."""
        running = [j for j in self._jobs.values() if j.began_at is not None and j.rate.is_charged == is_charged]
        taken = {job.worker_id for job in running}
        waiting = [
            worker
            for worker_id, worker in self._workers.items()
            if worker_id not in taken and worker.is_waiting(now) and worker.rate.is_charged == is_charged
        ]
        rates = [*(job.rate for job in running), *(worker.rate for worker in waiting)]
        return [rate.usd_per_hour or 0.0 for rate in rates]


def _with(row: Row, rate: Rate, took_ms: int, *, runs: int) -> Row:
    """Add one run to a row."""
    usd = job_cost_usd(rate.usd_per_hour, took_ms)
    total = None if usd is None or row.usd is None else round(row.usd + usd, 6)
    return replace(row, runs=row.runs + runs, seconds=round(row.seconds + took_ms / 1000, 3), usd=total)
