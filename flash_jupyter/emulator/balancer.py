"""Which worker of a load balancing endpoint gets a request, and what its health checks change.

There is no queue of jobs: a request waits in its own connection until a worker has room, goes to the one with the
fewest, and is never sent a second time. Room is `scaling.requestCount` requests at once: that a worker can be "at
capacity" is documented (worker-affinity), that this is its number is our reading of "scale on concurrent in-flight
requests per worker" (REST v2 document, `RequestCountScaling`).

A health check that answers 200 says healthy, 204 initialising, anything else unhealthy (Runpod docs, load-balancing). A
worker that starts is asked often, so that a cold start does not wait for the next check.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from flash_jupyter.emulator.machine import Ports, health_path
from flash_jupyter.emulator.world import Affinity, Endpoint, NoWorker, Waiter, Worker, WorkerGone, World
from flash_jupyter.states import WorkerState

if TYPE_CHECKING:
    from flash_jupyter.emulator.upstream import Upstream

HEALTHY, INITIALIZING = 200, 204
#: between two health checks of a worker that starts
STARTING_INTERVAL_S = 0.05
STOPPED = "the embedded Runpod was stopped"


class WorkerTimeout(Exception):
    """The worker that a request insists on had no room for too long."""


class Refused(Exception):
    """Nobody listens on the worker's port: the request was not handled."""


class Broken(Exception):
    """The worker did not answer, or not to the end: the request may have been handled. The text says what happened."""


class Balancer:
    """Requests and the workers that have room for them."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def enter(self, endpoint: Endpoint, affinity: Affinity) -> Worker:
        """Return a worker that has room; it has the request until `leave`.

        Raises `WorkerGone`, `WorkerTimeout`, or `NoWorker` when the wait was in vain.
        """
        worker = self._choose(endpoint, affinity)
        if worker is not None:
            self._give(worker)
            return worker
        if self._world.closing.is_set():
            raise NoWorker(503, STOPPED)
        return await self._wait(endpoint, affinity)

    async def _wait(self, endpoint: Endpoint, affinity: Affinity) -> Worker:
        limits = self._world.config.limits
        answer: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        waiter = Waiter(self._world.clock(), affinity, answer)
        endpoint.waiters.append(waiter)
        self._world.wake.set()
        try:
            wait_s = limits.balancer_strict_wait_s if affinity.strict else limits.balancer_wait_s
            await asyncio.wait({answer}, timeout=wait_s)
        except asyncio.CancelledError:  # the client is gone
            if answer.done() and answer.exception() is None:
                self.leave(answer.result())
            raise
        finally:
            endpoint.waiters.remove(waiter)
        if answer.done():
            return answer.result()
        raise WorkerTimeout(affinity.worker_id) if affinity.strict else _nobody(endpoint)

    def leave(self, worker: Worker) -> None:
        """Take a request from its worker: it is answered, or given up."""
        worker.requests -= 1
        if worker.requests == 0 and worker.state is WorkerState.RUNNING:
            worker.log.drain()
            worker.advance("poll")
            worker.idle_since = self._world.clock()
            self._world.wake.set()
        self._hand_out(worker.endpoint_id)

    def retire(self, worker: Worker) -> None:
        """Give a worker no more requests, and end it when it has none: what `stopPod` is to a queue."""
        worker.ending = "its request asked for it"
        self._world.wake.set()

    def healthy_worker(self, endpoint: Endpoint) -> Worker | None:
        """Return the worker that answers a client's health check; None starts one, if there is none yet."""
        healthy = [worker for worker in endpoint.workers.values() if self._is_open(endpoint, worker)]
        if not healthy:
            endpoint.called = True
            self._world.wake.set()
            return None
        worker = min(healthy, key=lambda each: each.requests)
        if worker.idle_since is not None:
            worker.idle_since = self._world.clock()
        return worker

    def heard(self, worker: Worker, status: int | None, said: str) -> None:
        """Take the outcome of a health check; None is a worker that did not answer."""
        worker.answers, worker.health = status is not None, said
        if status != HEALTHY:
            if worker.unhealthy_since is None:
                worker.unhealthy_since = self._world.clock()
                worker.log.system(f"worker {worker.id} is unhealthy: {said}")
            return
        if worker.unhealthy_since is not None and worker.is_ready:
            worker.log.system(f"worker {worker.id} is healthy again")
        worker.unhealthy_since = None
        if not worker.is_ready:
            self._ready(worker)
        self._hand_out(worker.endpoint_id)

    def _ready(self, worker: Worker) -> None:
        self._world.endpoint(worker.endpoint_id).failed_starts = 0
        worker.log.system(f"worker {worker.id} is ready")
        worker.advance("poll")
        worker.idle_since = self._world.clock()
        self._world.store.put_worker(worker.row())

    def _hand_out(self, endpoint_id: str) -> None:
        """Give workers with room to the requests that wait, the oldest first."""
        endpoint = self._world.endpoints.get(endpoint_id)
        for waiter in endpoint.waiters if endpoint is not None else ():
            if endpoint is None or waiter.answer.done():
                continue
            try:
                worker = self._choose(endpoint, waiter.affinity)
            except WorkerGone as gone:
                waiter.refuse(gone)
                continue
            if worker is not None:
                self._give(worker)
                waiter.give(worker)

    def _choose(self, endpoint: Endpoint, affinity: Affinity) -> Worker | None:
        wanted = endpoint.workers.get(affinity.worker_id)
        if affinity.strict and (wanted is None or wanted.ending is not None):
            raise WorkerGone(affinity.worker_id)
        candidates = [wanted] if affinity.strict and wanted else list(endpoint.workers.values())
        able = [worker for worker in candidates if self._has_room(endpoint, worker)]
        if wanted in able:
            return wanted
        return min(able, key=lambda worker: worker.requests, default=None)

    def _has_room(self, endpoint: Endpoint, worker: Worker) -> bool:
        return worker.requests < (endpoint.scaling.request_count or 1) and self._is_open(endpoint, worker)

    def _is_open(self, endpoint: Endpoint, worker: Worker) -> bool:
        """Whether it may be asked at all; one of an old release finishes what it has, and is replaced."""
        return (
            worker.is_ready
            and worker.unhealthy_since is None
            and worker.ending is None
            and worker.version == endpoint.version
            and worker.process.is_alive()
        )

    def _give(self, worker: Worker) -> None:
        worker.requests += 1
        worker.idle_since = None
        if worker.state is not WorkerState.UNHEALTHY:
            worker.advance("take")
        self._world.busy.set()
        self._world.wake.set()


def _nobody(endpoint: Endpoint) -> NoWorker:
    """Return the platform's answer after a wait in vain: 400, and 502 where a worker does not open its ports."""
    workers = list(endpoint.workers.values())
    misconfigured = bool(workers) and not any(worker.answers for worker in workers)
    detail = "; ".join(f"worker {worker.id}: {worker.health}" for worker in workers)
    return NoWorker(502 if misconfigured else 400, "no workers available", detail)


class HealthChecks:
    """One task a worker, and the HTTP client that they share with the relayed requests."""

    def __init__(self, world: World, balancer: Balancer) -> None:
        self._world, self._balancer = world, balancer
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._upstream: asyncio.Task[Upstream] | None = None

    async def upstream(self) -> Upstream:
        """Return the HTTP client; it is loaded in a thread, for the server must not stand still meanwhile."""
        if self._upstream is None:
            self._upstream = asyncio.create_task(_load())
        return await asyncio.shield(self._upstream)

    def look_after(self, worker: Worker) -> None:
        """Check a worker until it ends."""
        if worker.id not in self._tasks:
            task = asyncio.create_task(self._check_until_it_ends(worker))
            self._tasks[worker.id] = task
            task.add_done_callback(lambda _: self._tasks.pop(worker.id))

    async def close(self) -> None:
        """End all checks."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._upstream is not None:
            await (await self._upstream).close()

    async def _check_until_it_ends(self, worker: Worker) -> None:
        upstream = await self.upstream()
        while (endpoint := self._world.endpoints.get(worker.endpoint_id)) and worker.id in endpoint.workers:
            assert worker.ports is not None
            path = health_path(endpoint.document["env"])
            status, said = await self._ask(upstream, worker, worker.ports, path)
            if worker.id in endpoint.workers:
                self._balancer.heard(worker, status, said)
            starting = worker.unhealthy_since is not None and not worker.is_ready
            await asyncio.sleep(STARTING_INTERVAL_S if starting else self._world.config.limits.health_check_s)

    async def _ask(self, upstream: Upstream, worker: Worker, ports: Ports, path: str) -> tuple[int | None, str]:
        """Return the status, None without one, and both in words."""
        try:
            status = await upstream.check(ports.health, path)
        except Refused:
            return None, f"nothing listens on port {ports.health} (PORT_HEALTH)"
        except Broken as broken:
            return None, f"{path} on port {ports.health}: {broken}"
        if status == HEALTHY and not worker.is_ready and not worker.process.listens_on(ports.health):
            return None, f"another program listens on port {ports.health}"
        word = {HEALTHY: "healthy", INITIALIZING: "initialising"}.get(status, "unhealthy")
        return status, f"{path} answered {status}: {word}"


async def _load() -> Upstream:
    module = await asyncio.to_thread(importlib.import_module, "flash_jupyter.emulator.upstream")
    upstream: Upstream = module.Upstream()
    return upstream
