"""One job on its way, on the loop thread: provision, submit, follow, and write down what happened.

It speaks through `tell`: every event at once, in order. It returns the answer's bytes; the main thread unpickles.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Protocol

from flash_jupyter import limits
from flash_jupyter.errors import (
    ApiError,
    FlashError,
    JobTimedOut,
    NotFoundError,
    ResultLost,
    UnreachableError,
    WorkerLost,
)
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.cost import job_cost_usd, price_per_hour_usd
from flash_jupyter.session.events import Event, EventAssembler, Fragment, Phase, Sent, Stream
from flash_jupyter.session.follow import FIRST_POLL_S, POLL_CAP_S, Watch, failure_of, follow
from flash_jupyter.session.jobs import JobRecord, JobStore
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.provision import request_urls
from flash_jupyter.session.results import kept_events, why_nothing_ran
from flash_jupyter.session.shipping import read_response
from flash_jupyter.session.writer import BackgroundWriter, OutputLog
from flash_jupyter.states import JobState
from flash_jupyter.transport.http import nothing_was_sent
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.control import Endpoint
from flash_jupyter.wire.jobs import Job

#: how often a job is sent again to a worker that asked for a fresh one
FRESH_WORKERS = 2
#: a log stream that is behind gets this long without a new line, when the answer does not carry all events
STREAM_SILENCE_S = 1.0
#: a cell without an answer has this long to bring its last output: the worker's grace time, and a little more
LAST_WORDS_S = limits.CANCEL_GRACE_S + 1.0
#: events that a job without a listener keeps for `attach`
BACKLOG = 10_000


class JobCancelled(Exception):
    """The user cancelled the job, and the platform confirmed it."""


class Sendable(Protocol):
    """What a job sends: `session/prepare.py` and `session/payload.py` make it."""

    @property
    def run(self) -> str:
        """The mark of its events."""

    @property
    def timeout_s(self) -> int | None:
        """Seconds that it may run."""

    def body(self, *, with_driver: bool = True) -> bytes:
        """Return the body of the request."""


@dataclass(frozen=True)
class Finished:
    """A job that ran: the worker's answer, not unpickled, and what it took; milliseconds are the platform's."""

    answer: bytes
    endpoint_id: str | None
    worker_id: str | None
    cost_usd: float | None
    delay_ms: int | None = None
    execution_ms: int | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Desk:
    """What all jobs of a session share."""

    links: Links
    store: JobStore
    writer: BackgroundWriter


class Runner:
    """The way of one job. `tell` gets its events; without one they are kept until `redirect`."""

    def __init__(
        self, desk: Desk, record: JobRecord, log: OutputLog, *, tell: Callable[[Event], None] | None = None
    ) -> None:
        self.record, self.log = record, log
        self._desk = desk
        self._listener = tell
        self._backlog: deque[Event] = deque(maxlen=BACKLOG)
        self._assembler = EventAssembler()
        self._done, self._moved = asyncio.Event(), asyncio.Event()
        self._queue: Queue | None = None
        self._platform_id: str | None = record.platform_id
        self._cancelled = asyncio.Event()
        self._worker_id: str | None = None
        self.state = record.state
        self.final: JobState | None = None

    # --- what others ask for --------------------------------------------------------------------------------------

    async def run(self, spec: EndpointSpec, prepared: Sendable, *, retries: int = 0) -> Finished:
        """Take the job from nothing to its answer; `retries` says how often it is sent again when its worker was lost.

        Raises `JobError`s, `ApiError`s, `JobCancelled`; the store knows the end before this returns.
        """
        try:
            finished = await self._run_with_retries(spec, prepared, retries)
            self._end(JobState.COMPLETED, answer=finished.answer, cost_usd=finished.cost_usd)
            return finished
        except BaseException as failure:
            self._fail(failure)
            raise

    async def resume(self) -> Finished:
        """Follow a job that another kernel submitted; raises as `run` does."""
        try:
            link = await self._link(fresh=False)
            endpoint = await self._reopen(link)
            finished = await self._finish(link, endpoint, None, None)
            self._end(JobState.COMPLETED, answer=finished.answer)
            return finished
        except BaseException as failure:
            self._fail(failure)
            raise

    async def cancel_elsewhere(self) -> JobState:
        """Stop a job that another kernel follows, or nobody; returns its state afterwards."""
        if self._platform_id is None:
            self._end(JobState.CANCELLED)
            return JobState.CANCELLED
        await self._reopen(await self._link(fresh=False))
        assert self._queue is not None
        state = (await self._queue.cancel(self._platform_id)).status
        if state.is_final:
            self._end(state)
        return state

    async def cancel(self) -> None:
        """Ask the platform to stop the job; if it is not submitted yet, as soon as it is."""
        self._cancelled.set()
        if self._queue is not None and self._platform_id is not None:
            await self._queue.cancel(self._platform_id)
            self._done.set()  # ask for the state at once

    async def redirect(self, tell: Callable[[Event], None]) -> None:
        """Give everything so far, and what comes, to `tell`."""
        for event in self._backlog:
            tell(event)
        self._backlog.clear()
        self._listener = tell

    # --- the stations ---------------------------------------------------------------------------------------------

    async def _run_with_retries(self, spec: EndpointSpec, prepared: Sendable, retries: int) -> Finished:
        for left in range(retries, 0, -1):
            try:
                return await self._run_until_it_ran(spec, prepared)
            except WorkerLost:
                self._tell(Phase("queued", f"again, its worker was lost; {left - 1} retries left"))
        return await self._run_until_it_ran(spec, prepared)

    async def _run_until_it_ran(self, spec: EndpointSpec, prepared: Sendable) -> Finished:
        """Send the job again where a worker ran nothing of it, for a reason that passes."""
        sendings_left = FRESH_WORKERS + 1
        while True:
            link, endpoint = await self._submit(spec, prepared)
            finished = await self._finish(link, endpoint, spec, prepared.timeout_s)
            reason = why_nothing_ran(finished.answer)
            if reason == "missing" and endpoint.id in link.equipped:
                link.equipped.discard(endpoint.id)
                continue
            sendings_left -= 1
            if reason is None or not sendings_left:
                link.equipped.add(endpoint.id)
                return finished
            self._tell(Phase("queued", "again, on a fresh worker"))

    async def _submit(self, spec: EndpointSpec, prepared: Sendable) -> tuple[Link, Endpoint]:
        """Put the job into the queue of its endpoint; both are made (again) where they are missing."""
        for is_last in (False, True):
            link = await self._link(fresh=is_last)
            try:
                endpoint = link.provisioner.known(spec) or await link.provisioner.ensure(spec, self._say)
                await self._run(link, endpoint, prepared.body(with_driver=endpoint.id not in link.equipped))
                return link, endpoint
            except NotFoundError:
                link.provisioner.forget(spec)
                if is_last:
                    raise
            except UnreachableError as failure:
                if is_last or not nothing_was_sent(failure):
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def _run(self, link: Link, endpoint: Endpoint, body: bytes) -> None:
        if self._cancelled.is_set():
            raise JobCancelled
        self._queue = Queue(link.http, request_urls(endpoint))
        self._assembler, self._done = EventAssembler(), asyncio.Event()
        link.streams.listen(self.record.run, self._take)
        # told once the request is out: the main thread shows it while the server works, not before
        asyncio.get_running_loop().call_soon(self._tell, Sent(link.backend.name, endpoint.name))
        job = await _run_once(self._queue, body)
        self._platform_id = job.id
        changes = {"platform_id": job.id, "endpoint_id": endpoint.id, "name": endpoint.name, "state": JobState.IN_QUEUE}
        self._desk.writer.put(partial(self._desk.store.update, self.record.id, **changes))
        if self._cancelled.is_set():  # meanwhile
            await self.cancel()

    async def _finish(
        self, link: Link, endpoint: Endpoint, spec: EndpointSpec | None, timeout_s: int | None
    ) -> Finished:
        assert self._queue is not None
        assert self._platform_id is not None
        link.streams.listen(self.record.run, self._take)
        watch = Watch(
            queue=self._queue,
            platform_id=self._platform_id,
            done=self._done,
            tell=self._tell,
            on_worker=partial(self._meet, link, endpoint.id),
            revive=self._revive,
            clock=link.http.clock,
            # many at once wait longer before they ask: most hear of their end from the log
            first_poll_s=min(FIRST_POLL_S * max(1, link.streams.listening // 10), POLL_CAP_S),
        )
        try:
            job = await follow(watch)
            if job.worker_id:
                self._meet(link, endpoint.id, job.worker_id)
            answer = await self._answer_of(job, link, timeout_s)
            await self._complete_output(answer)
        finally:
            link.streams.forget(self.record.run)
        price = price_per_hour_usd(spec, link.backend.name) if spec else None
        return Finished(
            answer,
            endpoint.id,
            job.worker_id,
            job_cost_usd(price, job.execution_ms),
            delay_ms=job.delay_ms,
            execution_ms=job.execution_ms,
            ended_at=datetime.now(timezone.utc),
        )

    async def _answer_of(self, job: Job, link: Link, timeout_s: int | None) -> bytes:
        """Return the answer, or raise what the end means, after the worker's last words are shown."""
        if job.status is JobState.COMPLETED:
            return read_response(job.output)
        if job.status is JobState.CANCELLED and self._cancelled.is_set():
            if job.worker_id:
                await _at_most(self._last_words())
            raise JobCancelled
        if job.worker_id and isinstance(failure_of(job, self.record.id), (WorkerLost, JobTimedOut)):
            await _at_most(link.streams.ended(job.worker_id))
        raise failure_of(job, self.record.id, log_tail=link.streams.tail(job.worker_id), timeout_s=timeout_s)

    async def _complete_output(self, answer: bytes) -> None:
        """Wait for lines that the answer does not carry, as long as they keep coming; the answer fills the rest."""
        if self._assembler.is_complete:
            return
        carried, total = kept_events(answer)
        while len(carried) < total and not self._assembler.done and await self._news():
            pass
        for event in self._assembler.fill(carried, total):
            self._tell(event)

    async def _last_words(self) -> None:
        """Wait for what a stopped cell says in its `finally`: until its `done`, or silence."""
        while not self._assembler.done and await self._news():
            pass

    async def _news(self) -> bool:
        """Wait for a line of the log; False when none comes for a while."""
        self._moved.clear()
        try:
            await asyncio.wait_for(self._moved.wait(), STREAM_SILENCE_S)
        except asyncio.TimeoutError:
            return False
        return True

    async def _reopen(self, link: Link) -> Endpoint:
        """Find the endpoint of a job that was submitted before."""
        if self._platform_id is None:
            raise ResultLost(f"job {self.record.id} was never submitted", fix="run its cell again")
        endpoint = await link.control.get(self.record.endpoint_id or "")
        self._queue = Queue(link.http, request_urls(endpoint))
        return endpoint

    async def _link(self, *, fresh: bool) -> Link:
        """Return the link to the backend; the embedded Runpod is started where it is not running."""
        name = self.record.backend
        link = None if fresh else self._desk.links.known(name)
        if link is None:
            if name == "local":
                self._tell(Phase("local", "starting the local Runpod"))
            link = await asyncio.get_running_loop().run_in_executor(None, self._desk.links.open, name)
        return link

    async def _revive(self) -> None:
        await self._link(fresh=True)

    # --- what happens along the way -----------------------------------------------------------------------------

    def _take(self, fragment: Fragment) -> None:
        for event in self._assembler.feed(fragment):
            self._tell(event)
        self._moved.set()
        if self._assembler.done:
            self._done.set()

    def _tell(self, event: Event) -> None:
        if isinstance(event, Stream):
            self.log.write(event.text)
        elif isinstance(event, Phase) and event.name == "running":
            self.state = JobState.IN_PROGRESS
        if self._listener is not None:
            self._listener(event)
        else:
            self._backlog.append(event)

    def _meet(self, link: Link, endpoint_id: str, worker_id: str) -> None:
        """Follow the log of the worker that has the job."""
        self._worker_id = worker_id
        link.streams.watch(endpoint_id, worker_id)

    def _say(self, text: str) -> None:
        self._tell(Phase("provisioning", text))

    def _fail(self, failure: BaseException) -> None:
        """Write the end down, unless it is only ours: a submitted job goes on without its kernel."""
        only_ours = isinstance(failure, (ApiError, asyncio.CancelledError))
        if not (only_ours and self._platform_id):
            self._end(_state_after(failure), error=_first_line(failure))

    def _end(self, state: JobState, *, answer: bytes | None = None, **changes: object) -> None:
        self.state = self.final = state
        self.log.close()
        log = str(self.log.path) if self.log.path else None
        changes |= {"events_log": log, "worker_id": self._worker_id}
        write = partial(self._desk.store.finish, self.record.id, state, answer=answer, **changes)
        self._desk.writer.put(write)


async def _at_most(last_words: Awaitable[None]) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(last_words, LAST_WORDS_S)


async def _run_once(queue: Queue, body: bytes) -> Job:
    try:
        return await queue.run(body)
    except UnreachableError as failure:
        if nothing_was_sent(failure):
            raise
        raise UnreachableError(
            f"{failure.message}; the job may have been accepted all the same",
            detail=failure.detail,
            fix="look at %flash status before you run the cell again",
        ) from failure


def _state_after(failure: BaseException) -> JobState:
    if isinstance(failure, (JobCancelled, asyncio.CancelledError)):
        return JobState.CANCELLED
    return JobState.TIMED_OUT if isinstance(failure, JobTimedOut) else JobState.FAILED


def _first_line(failure: BaseException) -> str:
    text = failure.message if isinstance(failure, FlashError) else str(failure)
    return f"{type(failure).__name__}: {text}".splitlines()[0]
