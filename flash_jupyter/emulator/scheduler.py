"""How many workers an endpoint should have: a pure function of what is known, so that a table can test it.

Source: Runpod docs, serverless/endpoints/endpoint-configurations and workers/overview (reference/runpod-platform.md 7).
Not documented, and so chosen here: QUEUE_DELAY adds one worker at a time, and the next only when the last one is ready.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flash_jupyter import limits
from flash_jupyter.states import WorkerState


@dataclass(frozen=True)
class Scaling:
    """The endpoint's configuration. Exactly one of `queue_delay_s` and `request_count` is set."""

    workers_min: int
    workers_max: int
    idle_timeout_s: float = limits.IDLE_TIMEOUT_DEFAULT_S
    queue_delay_s: float | None = limits.QUEUE_DELAY_DEFAULT_S
    request_count: int | None = None
    version: int = 1


@dataclass(frozen=True)
class QueuedJob:
    """A job that waits since a time in seconds; one of low priority never makes a worker start."""

    since: float
    low_priority: bool = False


@dataclass(frozen=True)
class WorkerView:
    """What the scheduler sees of a worker that is not being ended; a `held` one stays, however sick it is."""

    id: str
    state: WorkerState
    idle_since: float | None = None
    version: int = 1
    running: int = 0
    held: bool = False
    #: whether it can be given work, or soon will be; one that can't takes a place, and does none of the work
    able: bool = True


@dataclass(frozen=True)
class Start:
    """Start so many workers."""

    count: int


@dataclass(frozen=True)
class Stop:
    """End an idle worker; `reason` goes into its log."""

    worker_id: str
    reason: str


Action = Start | Stop


def schedule(scaling: Scaling, queue: Sequence[QueuedJob], workers: Sequence[WorkerView], now: float) -> list[Action]:
    """Return what to do now; nothing is remembered from call to call.

    >>> schedule(Scaling(0, 3), [QueuedJob(since=10.0)], [], now=10.0)
    [Start(count=1)]
    >>> idle = WorkerView("w", WorkerState.IDLE, idle_since=0.0)
    >>> schedule(Scaling(0, 3, idle_timeout_s=5), [], [idle], now=6.0)
    [Stop(worker_id='w', reason='idle for 6 s')]
    """
    stops = _stops(scaling, queue, workers, now)
    ended = {stop.worker_id for stop in stops}
    living = [worker for worker in workers if worker.id not in ended]
    able = [worker for worker in living if worker.able]
    missing = min(_wanted(scaling, queue, able, now) - len(able), scaling.workers_max - len(living))
    return [*stops, *([Start(missing)] if missing > 0 else [])]


def _wanted(scaling: Scaling, queue: Sequence[QueuedJob], living: Sequence[WorkerView], now: float) -> int:
    waiting = [job for job in queue if not job.low_priority]
    least = max(scaling.workers_min, 1 if waiting else 0)
    if scaling.request_count is not None:
        requests = len(waiting) + sum(worker.running for worker in living)
        return max(least, math.ceil(requests / scaling.request_count))
    if not waiting or scaling.queue_delay_s is None:
        return least
    late = now - min(job.since for job in waiting) > scaling.queue_delay_s
    starting = any(worker.state is WorkerState.INITIALIZING for worker in living)
    return max(least, len(living) + 1) if late and not starting else least


def _stops(scaling: Scaling, queue: Sequence[QueuedJob], workers: Sequence[WorkerView], now: float) -> list[Stop]:
    """Idle workers to end: of an old version, too many, sick, or idle for too long. A busy one is never ended here."""
    free = [worker for worker in workers if worker.running == 0]
    stale = [worker for worker in free if worker.version != scaling.version]
    stops = {worker.id: Stop(worker.id, "its endpoint has a new release") for worker in stale}
    sick = [worker for worker in free if worker.state is WorkerState.UNHEALTHY and not worker.held]
    stops |= {worker.id: Stop(worker.id, "unhealthy") for worker in sick}
    for worker in sorted(free, key=lambda each: each.idle_since if each.idle_since is not None else now):
        left = len(workers) - len(stops)
        if worker.id in stops:
            continue
        if left > scaling.workers_max:
            stops[worker.id] = Stop(worker.id, f"more than {scaling.workers_max} workers")
        elif not queue and worker.idle_since is not None and left > scaling.workers_min:
            idle_s = now - worker.idle_since
            if idle_s > scaling.idle_timeout_s:
                stops[worker.id] = Stop(worker.id, f"idle for {idle_s:.0f} s")
    return list(stops.values())
