"""The server's heartbeat: scaling, time limits, memory and the tails of logs.

`Watch.run` is one loop; it wakes when something happened which it must look at (`World.wake`), else a few times a
second while there are workers or jobs. `follow_logs` is the other, quicker one, and runs only while a worker is busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator

from flash_jupyter.emulator.balancer import HealthChecks
from flash_jupyter.emulator.dispatch import Dispatcher
from flash_jupyter.emulator.faulty_workers import FaultyWorkers
from flash_jupyter.emulator.fleet import Fleet
from flash_jupyter.emulator.jobs import Job
from flash_jupyter.emulator.machine import Ports, runs_our_loop, tidy
from flash_jupyter.emulator.scheduler import Action, QueuedJob, Stop, schedule
from flash_jupyter.emulator.world import Endpoint, Worker, World
from flash_jupyter.states import JobState

BUSY_TICK_S, QUIET_TICK_S = 0.2, 1.0
#: what happens within so many seconds is looked at together: a hundred jobs may come at once
TOGETHER_S = 0.005
MEMORY_CHECK_S, SWEEP_S = 0.4, 1.0
#: how often it is stored that workers live: a worker that dies together with the server is billed until then
USAGE_S = 10.0
#: a log of an ended worker is kept so long
LOG_RETENTION_S = 24 * 3600.0
#: how often a busy worker's output is looked at; less often when it has been silent for a while
LOG_TICK_S, SILENT_LOG_TICK_S, SILENT_AFTER_S = 0.003, 0.02, 2.0


class Watch:
    """Looks after endpoints, jobs and workers; `previews` removes the apps that nobody looks at any more."""

    def __init__(
        self, world: World, dispatcher: Dispatcher, fleet: Fleet, health: HealthChecks, previews: Callable[[], None]
    ) -> None:
        self._world, self._dispatcher, self._fleet, self._health = world, dispatcher, fleet, health
        self._remove_previews = previews
        self._faulty = FaultyWorkers(world, fleet)
        self._memory_checked_at = self._swept_at = self._usage_stored_at = 0.0

    async def run(self) -> None:
        """Look after the workers until the server ends."""
        while not self._world.closing.is_set():
            with going_on("the watch"):
                self.tick()
            busy = self._world.open_jobs or self._world.workers
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._world.wake.wait(), BUSY_TICK_S if busy else QUIET_TICK_S)
                await asyncio.sleep(TOGETHER_S)
            self._world.wake.clear()

    def tick(self) -> None:
        """Do what is due now."""
        now = self._world.clock()
        for endpoint in list(self._world.endpoints.values()):
            for action in self._plan(endpoint, now):
                self._do(endpoint, action)
            for job in endpoint.open_jobs:
                self._check_time(job, now)
        check_memory = now - self._memory_checked_at >= MEMORY_CHECK_S
        for worker in self._world.workers:
            self._check_worker(worker, now, memory=check_memory)
        if check_memory:
            self._memory_checked_at = now
        if now - self._usage_stored_at >= USAGE_S and self._world.workers:
            self._usage_stored_at = now
            self._world.store.usage.seen(now)
        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            self._sweep(now)

    def _plan(self, endpoint: Endpoint, now: float) -> list[Action]:
        queue = [QueuedJob(job.submitted_at, job.low_priority) for job in endpoint.queue]
        queue += [QueuedJob(waiter.since) for waiter in endpoint.waiters if waiter.wants_a_worker]
        if endpoint.called:
            queue.append(QueuedJob(now))
            endpoint.called = False
        living = [worker for worker in endpoint.workers.values() if not _is_leaving(endpoint, worker)]
        views = [worker.view(endpoint.version) for worker in living]
        return schedule(endpoint.scaling, queue, views, now)

    def _do(self, endpoint: Endpoint, action: Action) -> None:
        if isinstance(action, Stop):
            self._fleet.end(endpoint.workers[action.worker_id], action.reason)
        else:
            for _ in range(action.count):
                if self._world.faults.active:
                    self._faulty.start(endpoint)
                else:
                    self._fleet.start(endpoint)

    def _check_time(self, job: Job, now: float) -> None:
        if now > job.expires_at:
            worker = self._running_worker(job)
            self._dispatcher.expire(job, "the time to live of the job passed")
            self._dispatcher.forget(job)
            if worker is not None:
                self._fleet.end(worker, "the time to live of its job passed")
        elif job.state is JobState.IN_PROGRESS and job.timeout_at is not None and now > job.timeout_at:
            worker = self._running_worker(job)
            if worker is not None:
                worker.log.drain()
            self._dispatcher.expire(job, f"job timed out after {job.execution_timeout_s:g} s")
            if worker is not None:
                self._fleet.end(worker, "its job timed out")

    def _running_worker(self, job: Job) -> Worker | None:
        return self._world.endpoint(job.endpoint_id).workers.get(job.worker_id)

    def _check_worker(self, worker: Worker, now: float, *, memory: bool) -> None:
        if worker.kill_at is not None and now >= worker.kill_at:
            self._fleet.end(worker, "its job was cancelled")
        elif worker.ending is not None and not worker.running:
            self._fleet.end(worker, worker.ending)
        elif worker.fault is not None:
            self._faulty.look(worker, now)
        elif worker.dies_at is not None and now >= worker.dies_at:
            worker.dies_at = None
            if worker.jobs:
                worker.process.kill()
        if worker.ports is not None:
            self._check_health(worker, worker.ports, now)
        if not worker.running:
            worker.log.drain()
        if memory and worker.running:
            used = worker.process.memory_bytes(worker.memory_limit_bytes)
            if used > worker.memory_limit_bytes:
                self._fleet.end(worker, _out_of_memory(used, worker.memory_limit_bytes))

    def _check_health(self, worker: Worker, ports: Ports, now: float) -> None:
        """End a worker that nobody can ask for too long, such as one that listens on another port."""
        self._health.look_after(worker)
        allowed_s = self._world.config.limits.balancer_unhealthy_s
        if worker.unhealthy_since is not None and now - worker.unhealthy_since > allowed_s and not worker.requests:
            said = f"health check on port {ports.health}: {worker.health}"
            self._fleet.end(worker, f"unhealthy for {allowed_s:g} s; {said}")

    def _sweep(self, now: float) -> None:
        """Drop what need not be kept any longer: previews, results, folders and logs of workers that ended."""
        self._remove_previews()
        for job in list(self._world.jobs.values()):
            if job.state.is_final and now > job.retained_until(self._world.config.limits):
                self._dispatcher.forget(job)
        workers = {worker.id for worker in self._world.workers}
        tidy(self._world.config.folder, workers=workers, endpoints=self._world.endpoints)
        oldest_us = int((now - LOG_RETENTION_S) * 1e6)
        for worker_id, (_, log) in list(self._world.logs.items()):
            if log.ended and log.last_us < oldest_us:
                log.remove()
                del self._world.logs[worker_id]
        if not self._world.open_jobs:
            self._world.store.write_back()


async def follow_logs(world: World) -> None:
    """Take the output of busy workers until the server ends."""
    while not world.closing.is_set():
        await world.busy.wait()
        heard_at = world.clock()
        while busy := [worker for worker in world.workers if worker.running]:
            with going_on("following logs"):
                if sum(worker.log.drain() for worker in busy):
                    heard_at = world.clock()
            silent = world.clock() - heard_at > SILENT_AFTER_S
            await asyncio.sleep(SILENT_LOG_TICK_S if silent else LOG_TICK_S)
        world.busy.clear()


def _is_leaving(endpoint: Endpoint, worker: Worker) -> bool:
    """Whether another worker may take its place now: after a stopped job ours ends, a foreign one may well go on."""
    return worker.ending is not None or (worker.kill_at is not None and runs_our_loop(endpoint.document))


@contextlib.contextmanager
def going_on(what: str) -> Iterator[None]:
    """Log a failure and go on: a full disk must not leave the server without a heartbeat."""
    try:
        yield
    except Exception:
        logging.getLogger(__name__).exception("%s failed; the next try follows", what)


def _out_of_memory(used: int, allowed: int) -> str:
    """Return the exit reason.

    >>> _out_of_memory(812 * 2**20, 800 * 2**20)
    'out of memory: used 812 MB of 800 MB'
    """
    return f"out of memory: used {used >> 20} MB of {allowed >> 20} MB"
