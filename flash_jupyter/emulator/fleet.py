"""The workers of all endpoints: how one comes to be, is taken over from the server before, and ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flash_jupyter.emulator.auth import endpoint_key
from flash_jupyter.emulator.billing import price_of
from flash_jupyter.emulator.config import FAILED_STARTS_MAX
from flash_jupyter.emulator.dispatch import Dispatcher, worker_lost
from flash_jupyter.emulator.faults import Fault
from flash_jupyter.emulator.jobs import Job
from flash_jupyter.emulator.logs import WorkerLog
from flash_jupyter.emulator.machine import Ports, WorkerOrder, memory_limit_bytes, wants_health_port
from flash_jupyter.emulator.pool import NoProcess, Pool
from flash_jupyter.emulator.secrets import Secrets, UnknownSecret
from flash_jupyter.emulator.store import WorkerRow
from flash_jupyter.emulator.tables import UsageRow, new_id
from flash_jupyter.emulator.world import Affinity, Endpoint, NoWorker, Worker, WorkerGone, World
from flash_jupyter.states import WorkerState


class Fleet:
    """Starts, watches and ends workers."""

    def __init__(
        self,
        world: World,
        dispatcher: Dispatcher,
        pool: Pool,
        artifact_of: Callable[[Endpoint], Path | None],
        secrets: Secrets,
    ) -> None:
        self._world, self._dispatcher, self._pool = world, dispatcher, pool
        self._artifact_of, self._secrets = artifact_of, secrets

    # --- starting ----------------------------------------------------------------------------------------------

    def start(self, endpoint: Endpoint) -> None:
        """Start one worker; where that is not possible, the log says why."""
        self.launch(endpoint, self._new_worker(endpoint))

    def hold(self, endpoint: Endpoint, fault: Fault) -> Worker:
        """List a worker that has no process yet, because of a fault; `launch` starts it."""
        worker = self._new_worker(endpoint)
        worker.fault, worker.fault_since = fault, self._world.clock()
        worker.process = NoProcess(lambda: self._ended(worker))
        endpoint.workers[worker.id] = worker
        return worker

    def _new_worker(self, endpoint: Endpoint) -> Worker:
        worker_id, limit = new_id(), memory_limit_bytes(endpoint.document, self._world.config)
        log = self._open_log(endpoint.id, worker_id)
        process = NoProcess(lambda: None)
        return Worker(worker_id, endpoint.id, endpoint.version, self._world.clock(), process, log, limit)

    def launch(self, endpoint: Endpoint, worker: Worker, *, args: str | None = None) -> None:
        """Start a worker's process; `args` is another command than the endpoint's."""
        document = endpoint.document if args is None else {**endpoint.document, "args": args}
        if endpoint.is_balancer:
            worker.ports, worker.unhealthy_since = self._free_ports(endpoint), self._world.clock()
        worker.log.system(f"worker {worker.id} starts")
        try:
            worker.process = self._pool.start(self._order(endpoint, worker, document))
        except (OSError, UnknownSecret) as error:
            endpoint.workers.pop(worker.id, None)
            worker.log.system(f"worker {worker.id} could not start: {error}")
            worker.log.end()
            self._count_failed_start(endpoint, worker, f"could not start: {error}")
            return
        self._add(endpoint, worker)
        now, (hardware, usd_per_s) = self._world.clock(), price_of(endpoint.document)
        self._world.store.usage.begin(UsageRow(worker.id, endpoint.id, now, now, True, hardware, usd_per_s))

    def _order(self, endpoint: Endpoint, worker: Worker, document: Mapping[str, Any]) -> WorkerOrder:
        """Say what is to be started, the values of secrets filled in; raises `UnknownSecret`."""
        return WorkerOrder(
            worker.id,
            endpoint.id,
            {**document, "env": self._secrets.fill(document["env"])},
            self._world.base_url,
            endpoint_key(self._world.api_key, endpoint.id),
            worker.log.container_path,
            self._artifact_of(endpoint),
            worker.ports,
        )

    def _free_ports(self, endpoint: Endpoint) -> Ports:
        port = self._pool.free_port()
        return Ports(port, self._pool.free_port() if wants_health_port(endpoint.document["env"]) else port)

    def _open_log(self, endpoint_id: str, worker_id: str) -> WorkerLog:
        log = WorkerLog(self._world.config.folder / "logs", worker_id, self._world.clock)
        self._world.logs[worker_id] = (endpoint_id, log)
        return log

    def _add(self, endpoint: Endpoint, worker: Worker) -> None:
        endpoint.workers[worker.id] = worker
        self._world.store.put_worker(worker.row())
        self._pool.watch(worker.process, lambda: self._ended(worker))

    def adopt(self, endpoint: Endpoint, row: WorkerRow, jobs: Sequence[Job]) -> None:
        """Take over a worker of the server before this one, or fail its jobs when it is gone."""
        log = self._open_log(endpoint.id, row.id)
        process = self._pool.adopt(row.pid, row.created)
        if process is None:
            self._lose(row, log, jobs)
            return
        memory = memory_limit_bytes(endpoint.document, self._world.config)
        worker = Worker(row.id, endpoint.id, row.version, row.started_at, process, log, memory, ports=row.ports)
        if row.ports is not None and not row.ready:
            worker.unhealthy_since = row.started_at
        if row.ready:
            worker.advance("poll")
            worker.idle_since = self._world.clock()
        for job in jobs:
            job.inherited = True
            worker.jobs[job.id] = job
            worker.advance("take")
            worker.idle_since = None
        log.system(f"worker {row.id} adopted by a new server")
        self._add(endpoint, worker)

    def end_stray(self, row: WorkerRow) -> None:
        """End a worker whose endpoint is gone."""
        process = self._pool.adopt(row.pid, row.created)
        if process is not None:
            process.kill()
        self._forget(row.id, None if process is None else self._world.clock())

    def _forget(self, worker_id: str, ended_at: float | None) -> None:
        """Close a worker's bill, then forget the worker: in this order, no crash leaves a bill open."""
        self._world.store.usage.end(worker_id, ended_at)
        self._world.store.delete_worker(worker_id)

    def _lose(self, row: WorkerRow, log: WorkerLog, jobs: Sequence[Job]) -> None:
        log.drain(final=True)
        log.system(f"worker {row.id} ended while no server ran")
        self._forget(row.id, None)
        for job in jobs:
            error = worker_lost(row.id, log, "it ended while the embedded Runpod was not running")
            self._dispatcher.fail(job, error)
        log.end()

    # --- ending ------------------------------------------------------------------------------------------------

    def end(self, worker: Worker, reason: str) -> None:
        """End a worker at once; what it ran is failed with the reason when it is gone."""
        if worker.ending is None:
            worker.ending = reason
        worker.process.kill()

    def _ended(self, worker: Worker) -> None:
        """The process is gone: the last lines, then its jobs, then its place."""
        worker.process.kill()  # its children may live on
        exit_reason = worker.process.exit_reason()  # asked in any case: that is what reaps a child
        reason = worker.ending or exit_reason
        worker.release_stop_poll()
        worker.log.drain(final=True)
        worker.log.system(f"worker {worker.id} ended: {reason}")
        endpoint = self._world.endpoints.get(worker.endpoint_id)
        self._forget(worker.id, self._world.clock())
        if (
            worker.fault is not None
            and worker.ending is None
            and endpoint is not None
            and not self._world.closing.is_set()
        ):
            self._hold_again(worker, worker.fault)
            return
        if endpoint is None:  # deleted meanwhile
            self._world.logs.pop(worker.id, None)
            worker.log.end()
            worker.log.remove()
            return
        endpoint.workers.pop(worker.id, None)
        endpoint.polls = [poll for poll in endpoint.polls if poll.worker is not worker]
        for job in list(worker.jobs.values()):
            self._dispatcher.fail(job, worker_lost(worker.id, worker.log, reason, since=job.log_start))
        _refuse_those_who_want(endpoint, worker)
        worker.log.end()
        failed = worker.ending is None or (worker.state is WorkerState.UNHEALTHY and worker.fault is None)
        if failed and not worker.is_ready:
            words = "\n  ".join(worker.log.last_words(10))
            self._count_failed_start(endpoint, worker, f"ended before it was ready: {reason}\n  {words}")
        self._world.wake.set()

    def _hold_again(self, worker: Worker, fault: Fault) -> None:
        """A worker whose fault let it crash stays in its place, and is started again later."""
        worker.log.system(f"worker {worker.id} is unhealthy: it is started again in {fault.seconds:g} s")
        worker.process = NoProcess(lambda: self._ended(worker))
        worker.advance("sicken")
        worker.fault_since = self._world.clock()
        self._world.wake.set()

    def _count_failed_start(self, endpoint: Endpoint, worker: Worker, what: str) -> None:
        """After some failed starts in a row what waits is failed: waiting would not help."""
        endpoint.failed_starts += 1
        if endpoint.failed_starts < FAILED_STARTS_MAX:
            return
        endpoint.failed_starts = 0
        error = f"worker lost: {FAILED_STARTS_MAX} workers in a row did not start; worker {worker.id} {what}"
        for job in list(endpoint.queue):
            self._dispatcher.fail(job, error)
        for waiter in endpoint.waiters:
            waiter.refuse(NoWorker(502, error, worker_id=worker.id))

    def close(self) -> None:
        """End all workers: the server ends. What runs is failed, what is queued stays queued."""
        for worker in self._world.workers:
            for job in list(worker.jobs.values()):
                reason = "the embedded Runpod was stopped"
                self._dispatcher.fail(job, worker_lost(worker.id, worker.log, reason, since=job.log_start))
            worker.process.kill()
            self._forget(worker.id, self._world.clock())


def _refuse_those_who_want(endpoint: Endpoint, worker: Worker) -> None:
    for waiter in endpoint.waiters:
        if waiter.affinity == Affinity(worker.id, strict=True):
            waiter.refuse(WorkerGone(worker.id))
