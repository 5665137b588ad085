"""What happens to jobs: accepted, handed to a worker, answered, cancelled, retried, failed.

Every transition is one write to the store, before anybody is told. Nothing here waits for a worker; who wants to know
calls `changed`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from flash_jupyter import limits
from flash_jupyter.emulator.jobs import Job, Policy, WorkerAnswer, new_job_id, split_chunk, status_document
from flash_jupyter.emulator.logs import WorkerLog
from flash_jupyter.emulator.world import Endpoint, NoWorker, Poll, Worker, World
from flash_jupyter.states import JobState, WorkerState, advance


class Dispatcher:
    """The transitions of jobs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store
        self._waiting: defaultdict[str, list[asyncio.Future[None]]] = defaultdict(list)

    # --- the client's side -------------------------------------------------------------------------------------

    def submit(self, endpoint: Endpoint, body: bytes, policy: Policy, *, sync: bool) -> Job:
        """Accept a job; when this returns it survives the server."""
        now = self._world.clock()
        timeout_s = policy.execution_timeout_s or endpoint_timeout_s(endpoint)
        job = Job(
            id=new_job_id(sync=sync),
            endpoint_id=endpoint.id,
            request=body,
            submitted_at=now,
            expires_at=now + policy.ttl_s,
            sync=sync,
            low_priority=policy.low_priority,
            execution_timeout_s=timeout_s,
            webhook=policy.webhook,
        )
        with self._store.transaction():  # one write for a job that a waiting worker gets at once
            self._store.insert_job(job, body)
            self._world.jobs[job.id] = job
            self._enqueue(endpoint, job)
        return job

    def _enqueue(self, endpoint: Endpoint, job: Job) -> None:
        endpoint.enqueue(job)
        self._hand_over(endpoint)
        if endpoint.queue and endpoint.has_room:  # else only time, at which the watch looks by itself, brings a worker
            self._world.wake.set()

    def cancel(self, job: Job) -> None:
        """Cancel an open job; a final one stays what it is. A running one's worker is told to stop, or ended."""
        if job.state.is_final:
            return
        worker = self._worker_of(job)
        if worker is None:
            self._world.endpoint(job.endpoint_id).queue.remove(job)
        self._finish(job, "cancel")
        if worker is not None:
            self._stop_on_worker(worker, job)

    def _stop_on_worker(self, worker: Worker, job: Job) -> None:
        worker.to_stop.append(job.id)
        worker.release_stop_poll()
        if not worker.jobs:  # it has others: they must not die with this one
            worker.kill_at = self._world.clock() + self._world.config.kill_after_cancel_s
            self._world.wake.set()

    def purge(self, endpoint: Endpoint) -> int:
        """Cancel what is queued; returns how many."""
        queued = list(endpoint.queue)
        with self._store.transaction():
            for job in queued:
                self.cancel(job)
        return len(queued)

    def retry(self, job: Job) -> None:
        """Queue a failed or timed-out job again, same id and input; raises `IllegalTransition`."""
        job.advance("retry")
        endpoint = self._world.endpoint(job.endpoint_id)
        endpoint.retried += 1
        job.retries += 1
        job.taken_at = job.finished_at = job.result = job.error = None
        job.worker_id, job.chunks, job.inherited = "", [], False
        job.submitted_at = self._world.clock()
        with self._store.transaction():
            self._store.put_result(job, None)
            self._store.drop_chunks(job.id)
        self._store.drop_body(job.id, "result")
        self._enqueue(endpoint, job)

    def keep_for(self, job: Job, ttl_s: float) -> None:
        """Change the job's time to live; it counts from the submission."""
        job.expires_at = job.submitted_at + ttl_s
        self._store.update_job(job)

    def result_of(self, job: Job) -> bytes | None:
        """Return the job's result, from memory or from its file."""
        if job.result is None and job.state in (JobState.COMPLETED, JobState.FAILED, JobState.IN_PROGRESS):
            return self._store.read_body(job.id, "result")
        return job.result

    def drain_chunks(self, job: Job) -> list[bytes]:
        """Return the partial results that no client has seen yet."""
        chunks, job.chunks = job.chunks, []
        if chunks:
            self._store.drop_chunks(job.id)
        return chunks

    async def changed(self, job: Job, timeout_s: float) -> None:
        """Wait until the job makes a step: a transition, a partial result; at most so many seconds."""
        if self._world.closing.is_set():
            return
        step: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[job.id].append(step)
        await asyncio.wait({step}, timeout=timeout_s)
        if not step.done():
            self._waiting[job.id].remove(step)

    def release(self) -> None:
        """Let everybody who waits answer: the server ends."""
        self._world.closing.set()
        for endpoint in self._world.endpoints.values():
            for poll in endpoint.polls:
                poll.release()
            for worker in endpoint.workers.values():
                worker.release_stop_poll()
            for waiter in endpoint.waiters:
                waiter.refuse(NoWorker(503, "the embedded Runpod was stopped"))
        for job_id in list(self._waiting):
            self._tell(job_id)
        for _, log in self._world.logs.values():
            log.wake()
        self._world.busy.set()
        self._world.wake.set()

    def look_again(self) -> None:
        """Something has changed for all: queued jobs go to workers that wait, and who waits looks at the clock."""
        for endpoint in self._world.endpoints.values():
            self._hand_over(endpoint)
        for job_id in list(self._waiting):
            self._tell(job_id)

    def _tell(self, job_id: str) -> None:
        for step in self._waiting.pop(job_id, ()):
            if not step.done():
                step.set_result(None)

    # --- the worker's side -------------------------------------------------------------------------------------

    async def take(
        self, worker: Worker, count: int, *, idle: bool, gone: Callable[[], Coroutine[Any, Any, object]]
    ) -> list[Job]:
        """Return jobs for a worker; waits for one as long as a poll is held, and as long as somebody is there.

        `idle`: it says that it runs none. `gone` returns when who asked has gone away: a job that was handed over then
        would be lost.
        """
        endpoint = self._world.endpoint(worker.endpoint_id)
        self._polled(endpoint, worker, idle=idle)
        jobs = self._next_jobs(endpoint, worker, count)
        if jobs or self._world.closing.is_set():
            return jobs
        loop = asyncio.get_running_loop()
        poll = Poll(worker, count, loop.create_future())
        endpoint.polls.append(poll)
        timer = loop.call_later(self._world.config.limits.take_hold_s, poll.release)
        leaving = loop.create_task(gone())
        leaving.add_done_callback(lambda _: poll.release())
        try:
            return await poll.answer
        finally:
            timer.cancel()
            leaving.cancel()
            if poll in endpoint.polls:
                endpoint.polls.remove(poll)

    def _take_waiting(self, worker: Worker) -> Job | None:
        """Return the job that stands in line for a worker which has just ended its own; None where none does.

        A worker that says its end again, because the answer was lost, gets the job again that the answer gave it.
        """
        if worker.jobs:
            return next(iter(worker.jobs.values()))
        endpoint = self._world.endpoint(worker.endpoint_id)
        if not endpoint.queue or self._world.closing.is_set() or not worker.process.is_alive():
            return None
        self._polled(endpoint, worker, idle=True)
        return next(iter(self._next_jobs(endpoint, worker, 1)), None)

    def _polled(self, endpoint: Endpoint, worker: Worker, *, idle: bool) -> None:
        if idle:
            worker.kill_at = None
        if worker.state is WorkerState.UNHEALTHY:  # it said so itself, and this poll was on its way: it ends
            return
        if not worker.is_ready:
            endpoint.failed_starts = 0
            worker.log.system(f"worker {worker.id} is ready")
            worker.advance("poll")
            self._store.put_worker(worker.row())
        if idle:
            for job in [job for job in worker.jobs.values() if job.inherited]:
                reason = "it did not get the job before the server was started anew"
                self.fail(job, worker_lost(worker.id, worker.log, reason))
        if not worker.jobs:
            self._rest(worker)

    def _rest(self, worker: Worker) -> None:
        if worker.state is WorkerState.UNHEALTHY:  # it said so while it had the job: it ends
            return
        worker.advance("poll")
        if worker.idle_since is None:
            worker.idle_since = self._world.clock()

    def _hand_over(self, endpoint: Endpoint) -> None:
        """Give queued jobs to workers that wait; the last one that came first, so that the others can go idle."""
        if self._world.faults.active and self._world.faults.withholds_jobs(endpoint.id):
            return
        while endpoint.queue and endpoint.polls:
            poll = endpoint.polls.pop()
            is_there = not poll.answer.done() and poll.worker.process.is_alive()
            poll.release(self._next_jobs(endpoint, poll.worker, poll.count) if is_there else None)

    def _next_jobs(self, endpoint: Endpoint, worker: Worker, count: int) -> list[Job]:
        is_stale = worker.version != endpoint.version  # it ends, and another of the new release comes
        is_ending = worker.ending is not None or worker.kill_at is not None
        if is_stale or is_ending or worker.state is WorkerState.UNHEALTHY:
            return []
        if self._world.faults.active:
            if self._world.faults.withholds_jobs(endpoint.id):
                return []
            self._doom(worker)
        jobs: list[Job] = []
        while endpoint.queue and len(jobs) < count:
            job, now = endpoint.queue[0], self._world.clock()
            # or raise, and nothing has changed
            self._store.take_job(job.id, advance(job.state, "take"), now, worker.id)
            jobs.append(endpoint.queue.popleft())
            job.advance("take")
            job.taken_at, job.worker_id, job.log_start = now, worker.id, len(worker.log)
            worker.jobs[job.id] = job
            worker.advance("take")
            worker.idle_since = None
            self._world.busy.set()
            self._tell(job.id)
        return jobs

    def _doom(self, worker: Worker) -> None:
        """A worker that a fault kills in the middle of its next job gets the time of its death."""
        endpoint = self._world.endpoint(worker.endpoint_id)
        fault = self._world.faults.of_job("lost-worker", endpoint.id) if endpoint.queue else None
        if fault is not None:
            worker.dies_at = self._world.clock() + (fault.seconds or 0)
            self._world.wake.set()

    def order_of(self, job: Job) -> bytes:
        """Return the body of the request; a large one is read from its file."""
        body = job.request if job.request is not None else self._store.read_body(job.id, "request")
        if body is not None and len(body) > self._world.config.limits.inline_bytes:
            job.request = None  # not kept in memory while it runs
        return body or b"{}"

    def answer(self, worker: Worker, job_id: str, answer: WorkerAnswer, *, takes: bool = False) -> Job | None:
        """Take a worker's answer; returns its next job, where one stands in line and the worker `takes` it at once."""
        with self._store.transaction():  # nobody who is told runs before its end
            self._take_answer(worker, job_id, answer)
            if takes:
                with suppress(sqlite3.Error):  # the answer is kept all the same, and the worker asks again
                    return self._take_waiting(worker)
        return None

    def _take_answer(self, worker: Worker, job_id: str, answer: WorkerAnswer) -> None:
        """The worker's output up to here is in its log before the job is final."""
        job = worker.jobs.get(job_id)
        if job is None:
            return  # cancelled or timed out meanwhile
        if answer.progress:
            self._keep_result(job, answer.result)
            self._store.put_result(job, answer.result)
            self._tell(job.id)
            return
        worker.log.drain()
        self._finish(job, "fail" if answer.failed else "finish", result=answer.result)
        if self._world.faults.active and self._world.faults.of_job("expired-result", job.endpoint_id):
            self.forget(job)
        if answer.stop_worker:
            worker.ending = "its job asked for it"
            self._world.wake.set()

    def refuse_result(self, worker: Worker, job_id: str, reason: str) -> None:
        """Fail a job whose result can't be taken."""
        job = worker.jobs.get(job_id)
        if job is not None:
            worker.log.drain()
            self.fail(job, f"the result was refused: {reason}")

    def add_chunk(self, worker: Worker, job_id: str, body: bytes) -> None:
        """Keep a partial result until a client drains it."""
        job = worker.jobs.get(job_id)
        if job is None:
            return
        for piece in split_chunk(body, self._world.config.limits.stream_chunk_bytes):
            job.chunks.append(piece)
            self._store.add_chunk(job.id, piece)
        self._tell(job.id)

    # --- ends --------------------------------------------------------------------------------------------------

    def fail(self, job: Job, error: str) -> None:
        """End an open job with the server's own words."""
        if job.state is JobState.IN_QUEUE:
            self._world.endpoint(job.endpoint_id).queue.remove(job)
        self._finish(job, "fail", error=error)

    def expire(self, job: Job, error: str) -> None:
        """End an open job whose time is over."""
        if job.state is JobState.IN_QUEUE:
            self._world.endpoint(job.endpoint_id).queue.remove(job)
        self._finish(job, "expire", error=error)

    def forget(self, job: Job) -> None:
        """Remove a final job: it answers 404 from now on."""
        del self._world.jobs[job.id]
        self._store.delete_job(job.id)

    def _finish(self, job: Job, event: str, *, result: bytes | None = None, error: str | None = None) -> None:
        worker = self._worker_of(job)
        job.advance(event)
        job.finished_at, job.error = self._world.clock(), error
        self._keep_result(job, result)
        self._store.put_result(job, result)
        endpoint = self._world.endpoint(job.endpoint_id)
        endpoint.completed += job.state is JobState.COMPLETED
        endpoint.failed += job.state in (JobState.FAILED, JobState.TIMED_OUT)
        if job.webhook is not None:
            self._world.webhooks.send(job.webhook, status_document(job, result))
        if worker is not None:
            del worker.jobs[job.id]
            if not worker.jobs and job.state in (JobState.COMPLETED, JobState.FAILED):
                self._rest(worker)
        self._tell(job.id)

    def _keep_result(self, job: Job, result: bytes | None) -> None:
        small = result is not None and len(result) <= self._world.config.limits.inline_bytes
        job.result = result if small else None

    def _worker_of(self, job: Job) -> Worker | None:
        return self._world.endpoint(job.endpoint_id).workers.get(job.worker_id) if job.worker_id else None


def endpoint_timeout_s(endpoint: Endpoint) -> float:
    """Return the endpoint's execution timeout in seconds; none is the platform's longest."""
    timeout_ms = endpoint.document["timeout"]
    longest_s = limits.EXECUTION_TIMEOUT_MAX_S
    return min(timeout_ms / 1000, longest_s) if timeout_ms > 0 else longest_s


def worker_lost(worker_id: str, log: WorkerLog, reason: str, *, since: int = 0) -> str:
    """Return the error of a job whose worker is gone: who, why, and the last lines that it wrote from `since` on."""
    tail = "".join(f"\n  {line}" for line in log.last_words(10, since=since))
    return f"worker lost: {worker_id}: {reason}" + (f"\nlast log lines:{tail}" if tail else "")
