"""The facts behind `waiting`: asked for as rarely as they change, by all jobs together that wait at one endpoint.

Nothing here runs by itself: a job that is queued looks, on its way from one status to the next. The data plane's
`/health` is asked; of the control plane, which allows 60 requests a minute, only what a sentence needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from flash_jupyter.errors import ApiError, WorkersUnhealthy
from flash_jupyter.session.events import Event, Phase, Waiting
from flash_jupyter.session.streams import LogStreams
from flash_jupyter.session.waiting import Reason, Situation, explain, is_ready
from flash_jupyter.states import JobState, WorkerState
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import ONCE, Clock
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.control import Endpoint, Worker
from flash_jupyter.wire.jobs import Health, Job

T = TypeVar("T")

#: seconds between two looks at `/health`; longer while it says the same
LOOK_S, LOOK_FACTOR, LOOK_CAP_S = 2.0, 1.5, 8.0
#: seconds between two requests for the same thing of the control plane
ASK_AGAIN_S = 15.0
#: an endpoint that has no worker for so long: the account's others are named
OTHERS_AFTER_S = 30.0
#: a queue at which nobody has looked for so long: the next wait is another one
FORGET_S = 30.0


@dataclass(frozen=True)
class Sources:
    """Where the facts come from, and how long unhealthy workers are waited for, in seconds."""

    control: Control
    streams: LogStreams
    clock: Clock
    give_up_s: float


class Queued:
    """The wait of all jobs that stand in one endpoint's queue; `name` is its own."""

    def __init__(self, name: str, endpoint: Endpoint, queue: Queue, sources: Sources) -> None:
        self.name, self.looked_at = name, sources.clock.monotonic()
        self._queue, self._sources = queue, sources
        self._facts = Situation(endpoint, Health(), give_up_s=sources.give_up_s)
        self._reason: Reason | None = None
        self._began = self.looked_at
        self._failing_since: float | None = None
        self._pause_s = LOOK_S
        self._due: dict[str, float] = {}
        self._lock = asyncio.Lock()

    @property
    def facts(self) -> Situation:
        """What is known."""
        return self._facts

    async def look(self) -> Reason | None:
        """Return why its jobs wait; one of them asks the platform where it is time to. None: it did not answer yet."""
        now = self.looked_at = self._sources.clock.monotonic()
        if self._lock.locked() or now < self._due.get("health", 0.0):
            return self._reason
        async with self._lock:
            try:
                health = await self._queue.health(retry=ONCE)
            except ApiError:  # the job's next status call says what is wrong
                self._due["health"] = now + LOOK_CAP_S
                return self._reason
            self._take(health, now)
            await self._ask_what_it_takes(now)
            self._facts = replace(self._facts, log=self._sources.streams.last_lines(self._telling()))
            self._reason = explain(self._facts)
        return self._reason

    def _take(self, health: Health, now: float) -> None:
        """Note what `/health` says, when to ask it again, and for how long workers have been failing."""
        before = self._facts.health if "health" in self._due else None
        self._pause_s = LOOK_S if health != before else min(self._pause_s * LOOK_FACTOR, LOOK_CAP_S)
        self._due["health"] = now + self._pause_s
        if is_ready(health):
            self._failing_since = None
            self._facts = replace(self._facts, failed=frozenset())
        elif health.workers.unhealthy and self._failing_since is None:
            self._failing_since = now
        failing_s = 0.0 if self._failing_since is None else now - self._failing_since
        self._facts = replace(self._facts, health=health, before=before, failing_s=failing_s)

    async def _ask_what_it_takes(self, now: float) -> None:
        counts, endpoint = self._facts.health.workers, self._facts.endpoint
        if endpoint.gpu is None and endpoint.cpu is None:  # a job that was opened again knows the id only
            await self._ask_for_the_endpoint(now)
        if is_ready(self._facts.health):
            return
        if counts.unhealthy or counts.initializing:
            await self._ask_for_workers(now)
        elif counts.throttled:
            await self._ask_for_stock(now)
        else:
            await self._ask_for_the_endpoint(now)

    async def _ask_for_workers(self, now: float) -> None:
        control, endpoint_id = self._sources.control, self._facts.endpoint.id
        workers = await self._ask("workers", now, lambda: control.workers(endpoint_id, retry=ONCE))
        if workers is None:
            return
        sick = {worker.id for worker in workers if worker.status is WorkerState.UNHEALTHY}
        self._facts = replace(self._facts, workers=workers, failed=self._facts.failed | sick)
        if telling := self._telling():
            self._sources.streams.watch(endpoint_id, telling)

    async def _ask_for_stock(self, now: float) -> None:
        """Ask for the catalogue, once a wait."""
        catalog, gpu, cpu = self._sources.control.catalog, self._facts.endpoint.gpu, self._facts.endpoint.cpu
        if cpu is not None and self._facts.cpus is None:
            cpus = await self._ask("catalog", now, lambda: catalog.cpus(retry=ONCE))
            self._facts = replace(self._facts, cpus=cpus)
        elif gpu is not None and self._facts.gpus is None:
            count = int(gpu.get("count") or 1)
            gpus = await self._ask("catalog", now, lambda: catalog.gpus(count=count, retry=ONCE))
            self._facts = replace(self._facts, gpus=gpus)

    async def _ask_for_the_endpoint(self, now: float) -> None:
        """Without a worker: its document may have changed since it was provisioned, and others may have them all."""
        control, endpoint = self._sources.control, self._facts.endpoint
        found = await self._ask("endpoint", now, lambda: control.get(endpoint.id, retry=ONCE))
        self._facts = replace(self._facts, endpoint=found or endpoint)
        if now - self._began >= OTHERS_AFTER_S and not self._facts.others:
            listed = await self._ask("others", now, lambda: control.endpoints(retry=ONCE))
            others = (each.name for each in listed or () if each.id != endpoint.id and each.workers.get("max"))
            self._facts = replace(self._facts, others=tuple(others))

    async def _ask(self, what: str, now: float, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Ask the control plane, unless it was asked a moment ago; None then, and where it does not answer."""
        if now < self._due.get(what, 0.0):
            return None
        self._due[what] = now + ASK_AGAIN_S
        refusal = None
        try:
            return await ask()
        except ApiError as failure:
            self._due[what] += getattr(failure, "retry_after_s", 0.0)
            refusal = failure
            return None
        finally:
            self._facts = replace(self._facts, refusal=refusal)

    def _telling(self) -> str | None:
        """The worker whose log tells most: one that failed, else the first that starts."""

        def order(worker: Worker) -> int:
            return 0 if worker.id in self._facts.failed else 1 if worker.status is WorkerState.INITIALIZING else 2

        first = min(self._facts.workers, key=order, default=None)
        return None if first is None or order(first) == 2 else first.id


class Waits:
    """The queues of one backend at which jobs wait for longer than `after_s`. Lives on the loop thread."""

    def __init__(self, sources: Sources, *, after_s: float) -> None:
        self.clock, self.after_s = sources.clock, after_s
        self._sources = sources
        self._numbers = itertools.count(1)
        self._queued: dict[str, Queued] = {}

    def at(self, endpoint: Endpoint, queue: Queue) -> Queued:
        """Return the wait at this endpoint's queue; a new one where the last is over."""
        found = self._queued.get(endpoint.id)
        if found is None or self.clock.monotonic() - found.looked_at > FORGET_S:
            name = f"{endpoint.id}-{next(self._numbers)}"
            found = self._queued[endpoint.id] = Queued(name, endpoint, queue, self._sources)
        return found

    def of_job(
        self, endpoint: Endpoint, queue: Queue, tell: Callable[[Event], None], *, job_id: str = ""
    ) -> Callable[[Job], Awaitable[bool]]:
        """Return what wants to be called with each status of a job: whether it told why the job waits."""
        return JobWait(self, endpoint, queue, tell, job_id).see


@dataclass
class JobWait:
    """One job, while it is queued; and again, should it go back to the queue."""

    waits: Waits
    endpoint: Endpoint
    queue: Queue
    tell: Callable[[Event], None]
    job_id: str
    _since: float | None = None
    _phase: Phase | None = None
    _told: Waiting | None = None

    async def see(self, job: Job) -> bool:
        """Tell why the job waits, once it has waited for long enough, and whenever the reason changes.

        False where there is nothing to tell. Raises `WorkersUnhealthy` where it would wait for ever, once it is
        cancelled.
        """
        now = self.waits.clock.monotonic()
        if job.status is not JobState.IN_QUEUE:
            self._since = None
            self._over()
            return False
        self._since = now if self._since is None else self._since
        if now - self._since < self.waits.after_s:
            return False
        queued = self.waits.at(self.endpoint, self.queue)
        reason = await queued.look()
        if reason is None:
            return False
        if reason.is_fatal and await self._is_cancelled(job):
            raise self._failure(job, queued.facts)
        self._say(
            Phase("starting" if reason.cause == "starting" else "queue"),
            Waiting(reason.text, reason.action, reason.cause, queued.name),
        )
        return True

    def _say(self, phase: Phase, waiting: Waiting) -> None:
        """Tell what is new of the two; a phase takes back the reason before it, so that one follows."""
        if phase != self._phase:
            self.tell(phase)
        if (phase, waiting) != (self._phase, self._told):
            self.tell(waiting)
        self._phase, self._told = phase, waiting

    def _over(self) -> None:
        if self._told is not None:
            self.tell(Waiting("", "", wait=self._told.wait))
            self._phase = self._told = None

    async def _is_cancelled(self, job: Job) -> bool:
        """Take the job out of the queue, so that nothing can be billed for it; False where that is not certain."""
        with contextlib.suppress(ApiError):
            return (await self.queue.cancel(job.id)).status is JobState.CANCELLED
        return False

    def _failure(self, job: Job, facts: Situation) -> WorkersUnhealthy:
        name = self.endpoint.name
        return WorkersUnhealthy(
            f"no worker of {name} got well within {facts.failing_s:.0f} s; the job was cancelled, nothing is billed",
            log_tail=facts.log,
            fix="look at these last lines of a worker; then run it again on other hardware (gpu=, cpu= or datacenter=),"
            f" or on a new endpoint, after %flash undeploy {name}",
            job_id=self.job_id,
            platform_id=job.id,
        )
