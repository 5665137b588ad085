"""What the server knows: endpoints, their queues and workers, jobs.

Plain objects in one event loop; the store is their shadow, and is read only when the server starts.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flash_jupyter.emulator.config import Config
from flash_jupyter.emulator.faults import Fault, Faults
from flash_jupyter.emulator.jobs import Job
from flash_jupyter.emulator.logs import WorkerLog
from flash_jupyter.emulator.machine import Ports
from flash_jupyter.emulator.pool import WorkerProcess
from flash_jupyter.emulator.scheduler import Scaling, WorkerView
from flash_jupyter.emulator.store import Store, WorkerRow
from flash_jupyter.emulator.tables import EndpointRow
from flash_jupyter.emulator.webhooks import Webhooks
from flash_jupyter.states import WorkerState, advance_worker

Clock = Callable[[], float]


def _no_connection(client: tuple[str, int]) -> None:
    raise ConnectionResetError(f"the connection of {client} was dropped")


class NoSuchEndpoint(Exception):
    """No endpoint has this id."""


class NoSuchJob(Exception):
    """No job of the endpoint has this id, or it is no longer kept."""


class NoSuchWorker(Exception):
    """No worker of the endpoint has this id."""


@dataclass(eq=False)
class Worker:
    """A worker that runs, and what we want of it."""

    id: str
    endpoint_id: str
    version: int
    started_at: float
    process: WorkerProcess
    log: WorkerLog
    memory_limit_bytes: int
    state: WorkerState = WorkerState.INITIALIZING
    #: whether it has ever asked for a job, or passed a health check
    is_ready: bool = False
    idle_since: float | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    #: gets no more jobs; the text is why it ends
    ending: str | None = None
    #: ended from here at this time, unless it asks for a job before
    kill_at: float | None = None
    to_stop: list[str] = field(default_factory=list)
    stop_poll: asyncio.Future[None] | None = None
    #: what keeps it from running as it should, since when, and what it has told of that
    fault: Fault | None = None
    fault_since: float = 0.0
    pulled_percent: int = -1
    #: its process is killed at this time if it has a job then
    dies_at: float | None = None
    #: of a load balancer's worker: where it listens, how many requests it has, whether it answered the last health
    #: check, and what that said
    ports: Ports | None = None
    requests: int = 0
    answers: bool = False
    health: str = "its health was not checked yet"
    #: since when its health check does not succeed; None while it does
    unhealthy_since: float | None = None

    @property
    def running(self) -> int:
        """How many jobs or requests it has."""
        return len(self.jobs) + self.requests

    def is_able(self, version: int) -> bool:
        """Whether it can be given work of this release, or soon will be.

        One of an older release ends what it has and gets nothing more (rolling release, runpod-platform.md 7).
        """
        return self.version == version and (self.ports is None or self.unhealthy_since is None or not self.is_ready)

    def advance(self, event: str) -> None:
        """Go to the state that `event` leads to, or raise `IllegalTransition`."""
        self.state = advance_worker(self.state, event)
        self.is_ready = self.is_ready or event == "poll"

    def release_stop_poll(self) -> None:
        """Let the stop channel answer now."""
        if self.stop_poll is not None and not self.stop_poll.done():
            self.stop_poll.set_result(None)

    def view(self, version: int) -> WorkerView:
        """Return what the scheduler of an endpoint of this release sees."""
        held, able = self.fault is not None, self.is_able(version)
        return WorkerView(self.id, self.state, self.idle_since, self.version, self.running, held, able)

    def row(self) -> WorkerRow:
        """Return what is stored."""
        process = self.process
        return WorkerRow(
            self.id,
            self.endpoint_id,
            process.pid,
            process.created,
            self.started_at,
            self.version,
            self.is_ready,
            self.ports,
        )


@dataclass(eq=False)
class Poll:
    """A worker that waits for up to `count` jobs."""

    worker: Worker
    count: int
    answer: asyncio.Future[list[Job]]

    def release(self, jobs: list[Job] | None = None) -> None:
        """Let the request answer; without a job where there is none."""
        if not self.answer.done():
            self.answer.set_result(jobs or [])


@dataclass(frozen=True)
class Affinity:
    """Which worker a request wants; a strict one takes no other. Source: Runpod docs, worker-affinity."""

    worker_id: str = ""
    strict: bool = False


@dataclass(eq=False)
class Waiter:
    """A request to a load balancer that waits for a worker with room, since a time in seconds."""

    since: float
    affinity: Affinity
    answer: asyncio.Future[Worker]

    @property
    def wants_a_worker(self) -> bool:
        """Whether a new worker would help it."""
        return not self.affinity.strict and not self.answer.done()

    def give(self, worker: Worker) -> None:
        """Let the request go on with a worker."""
        self.answer.set_result(worker)

    def refuse(self, reason: Exception) -> None:
        """Let the request fail."""
        if not self.answer.done():
            self.answer.set_exception(reason)


class NoWorker(Exception):
    """A load balancer has no worker for a request; the text is the answer's `error`, `detail` says more.

    `worker_id` is the worker whose fault it is: with it a client knows that to try again would not help.
    """

    def __init__(self, status: int, error: str, detail: str = "", worker_id: str = "") -> None:
        super().__init__(error)
        self.status, self.detail, self.worker_id = status, detail, worker_id


class WorkerGone(Exception):
    """The worker that a request insists on has ended, or never was one of the endpoint's."""


@dataclass(eq=False)
class Endpoint:
    """An endpoint, its queue, and its workers."""

    id: str
    document: dict[str, Any]
    version: int
    created_at: float
    releases: list[dict[str, Any]]
    scaling: Scaling
    queue: deque[Job] = field(default_factory=deque)
    polls: list[Poll] = field(default_factory=list)
    workers: dict[str, Worker] = field(default_factory=dict)
    completed: int = 0
    failed: int = 0
    retried: int = 0
    #: workers that ended before their first poll, one after the other
    failed_starts: int = 0
    #: of a load balancer: requests without a worker, and whether a health check asked for one
    waiters: deque[Waiter] = field(default_factory=deque)
    called: bool = False

    def row(self) -> EndpointRow:
        """Return what is stored."""
        return EndpointRow(self.id, self.created_at, self.version, self.document, self.releases)

    def enqueue(self, job: Job) -> None:
        """Put a job at the end of the queue; one of low priority comes after all others."""
        if job.low_priority or not self.queue or not self.queue[-1].low_priority:
            self.queue.append(job)
        else:
            self.queue.insert(sum(not queued.low_priority for queued in self.queue), job)

    @property
    def is_balancer(self) -> bool:
        """Whether requests go to its workers directly, without a queue."""
        return bool(self.document["type"] == "LOAD_BALANCER")

    @property
    def has_room(self) -> bool:
        """Whether it may have another worker now; one that is about to end takes no place."""
        staying = sum(worker.ending is None and worker.kill_at is None for worker in self.workers.values())
        return staying < self.scaling.workers_max

    @property
    def queued(self) -> int:
        """How many jobs or requests have no worker yet."""
        return len(self.queue) + len(self.waiters)

    @property
    def running_jobs(self) -> int:
        """How many jobs or requests workers have."""
        return sum(worker.running for worker in self.workers.values())

    @property
    def open_jobs(self) -> list[Job]:
        """The jobs that are not final."""
        running = [job for worker in self.workers.values() for job in worker.jobs.values()]
        return [*self.queue, *running]


@dataclass(eq=False)
class World:
    """Everything, and the way to find it. `base_url` is the server's origin, set when it listens."""

    config: Config
    store: Store
    api_key: str
    clock: Clock = time.time
    base_url: str = ""
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    #: logs of living and of ended workers: worker id -> (endpoint id, log)
    logs: dict[str, tuple[str, WorkerLog]] = field(default_factory=dict)
    #: set when the number of workers should be looked at now
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    #: set when a worker has got a job: its output is worth looking at
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    #: set when the server ends: whoever waits answers
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    last_request_at: float = 0.0
    faults: Faults = field(default_factory=Faults)
    webhooks: Webhooks = field(default_factory=Webhooks)
    #: closes the connection of a client (host, port); set by a server that has connections
    drop_connection: Callable[[tuple[str, int]], None] = _no_connection

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Return an endpoint, or raise `NoSuchEndpoint`."""
        try:
            return self.endpoints[endpoint_id]
        except KeyError:
            raise NoSuchEndpoint(endpoint_id) from None

    def job(self, endpoint_id: str, job_id: str) -> Job:
        """Return a job of an endpoint, or raise `NoSuchJob`."""
        job = self.jobs.get(job_id)
        if job is None or job.endpoint_id != self.endpoint(endpoint_id).id:
            raise NoSuchJob(job_id)
        return job

    def worker(self, endpoint_id: str, worker_id: str) -> Worker:
        """Return a living worker of an endpoint, or raise `NoSuchWorker`."""
        try:
            return self.endpoint(endpoint_id).workers[worker_id]
        except KeyError:
            raise NoSuchWorker(worker_id) from None

    def log(self, endpoint_id: str, worker_id: str) -> WorkerLog:
        """Return the log of a worker of an endpoint, living or not, or raise `NoSuchWorker`."""
        owner, log = self.logs.get(worker_id, ("", None))
        if log is None or owner != self.endpoint(endpoint_id).id:
            raise NoSuchWorker(worker_id)
        return log

    @property
    def open_jobs(self) -> int:
        """How many jobs are not final, requests to load balancers included."""
        return sum(endpoint.queued + endpoint.running_jobs for endpoint in self.endpoints.values())

    @property
    def workers(self) -> list[Worker]:
        """All living workers."""
        return [worker for endpoint in self.endpoints.values() for worker in endpoint.workers.values()]
