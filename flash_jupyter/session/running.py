"""One job on its way, on the loop thread: submitted, followed, brought to an answer, and written down.

It speaks through its feed. It returns the answer's bytes; the main thread unpickles.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import Any

from flash_jupyter.errors import ApiError, FlashError, JobError, JobTimedOut, WorkerLost
from flash_jupyter.session.cancelling import Cancellation, JobCancelled, Stop, see_stop
from flash_jupyter.session.cost import measured
from flash_jupyter.session.events import Event, Measured, Phase
from flash_jupyter.session.feed import LAST_WORDS_S, Feed
from flash_jupyter.session.follow import FIRST_POLL_S, POLL_CAP_S, Signal, Watch, failure_of, follow, instance_lost
from flash_jupyter.session.handlers import KINDS, SHARED, handlers_answer
from flash_jupyter.session.keeper import KEEP_AFTER_S
from flash_jupyter.session.records import JobRecord, utc_now
from flash_jupyter.session.results import Finished, raised_in, read_order
from flash_jupyter.session.shipping import read_response
from flash_jupyter.session.submitting import Desk, Destination, Place, Sendable, Submitter
from flash_jupyter.session.writer import Journal, OutputLog
from flash_jupyter.states import JobState
from flash_jupyter.transport.loop import within
from flash_jupyter.wire.jobs import Job

#: how often a job is sent again to a worker that asked for a fresh one
FRESH_WORKERS = 2
#: how often, and after how many seconds, it is tried again to write a job down; then a thread waits until it can be
SHORT_LOOKS, SHORT_LOOK_S = 5, 0.001


class Runner:
    """The way of one job. `tell` gets its events; without one they are kept until `redirect`."""

    def __init__(
        self,
        desk: Desk,
        record: JobRecord,
        *,
        tell: Callable[[Event], None] | None = None,
    ) -> None:
        self.record, self.log = record, OutputLog(desk.logs / f"{record.id}.log", desk.writer)
        self.state = record.state
        self.final: JobState | None = None
        self.measured = Measured()
        self._desk = desk
        self._feed = Feed(self.log, Journal(desk.logs / f"{record.id}.jsonl", desk.writer), tell)
        self._cancelled, self._over = Signal(), Signal()
        self._accepted = asyncio.Event()
        self._cancellation: Cancellation | None = None
        #: whether its end waits until its worker stopped; one of a deployed app goes on with the jobs of others
        self._looks_after_worker = record.kind not in SHARED
        self._submitter = Submitter(desk, record, self._feed, self._cancelled)
        self._place: Place | None = None
        self._tries = 1
        self._worker_id: str | None = None
        self._said_answer: bytes | None = None
        self._said_order: Mapping[str, Any] = {}
        self._cancelling: asyncio.Future[None] | None = None
        #: whether a cell waits for it, which takes its result
        self.is_awaited = False

    # --- what others ask for --------------------------------------------------------------------------------------

    async def run(self, to: Destination, prepared: Sendable, *, retries: int = 0) -> Finished:
        """Take the job from nothing to its answer; `retries` says how often it is sent again when its worker was lost.

        Raises `JobError`s, `ApiError`s, `JobCancelled`; the store knows the end before this returns.
        """
        keeping = asyncio.get_running_loop().call_later(KEEP_AFTER_S, self._desk.keep)
        try:
            return await self._until_over(self._run_with_retries(to, prepared, retries))
        finally:
            keeping.cancel()

    async def accepted(self) -> bool:
        """Wait until the platform has the job, from when on it outlives this process; False where it ended before."""
        events = [asyncio.ensure_future(event.wait()) for event in (self._accepted, self._over)]
        try:
            await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for event in events:
                event.cancel()
        return self._accepted.is_set()

    async def cancel(self, *, looks_after_worker: bool = True) -> None:
        """Ask the platform to stop the job; if it is not submitted yet, as soon as it is.

        `looks_after_worker` says whether the end waits until the worker stopped; for many at once that is too much.
        """
        self._looks_after_worker = looks_after_worker and self.record.kind not in SHARED
        self._cancelled.set()
        if self._place is not None:
            await self._cancel_at(self._place)

    async def _cancel_at(self, place: Place) -> None:
        """Tell the platform, which may take a while where many are cancelled, unless the job is over before."""
        told = asyncio.ensure_future(place.link.cancels[place.endpoint.id].cancel(place.queue, place.platform_id))
        over = asyncio.ensure_future(self._over.wait())
        try:
            await asyncio.wait({told, over}, return_when=asyncio.FIRST_COMPLETED)
            if told.done():
                told.result()
                self._feed.done.set()  # ask for the state at once
        finally:
            told.cancel()  # nothing, where it is done
            over.cancel()

    def refuse(self, failure: JobError) -> JobError:
        """Write down why the job was never sent, and return that, to be raised."""
        self._fail(failure)
        self._over.set()
        return failure

    async def stop(self, within_s: float) -> Cancellation:
        """Cancel, wait for the end, and return how it ended."""
        told = asyncio.ensure_future(self.cancel())
        await asyncio.wait({told}, timeout=within_s)
        if told.done():
            told.result()
        self._cancelling = told
        await self._over.wait_at_most(within_s)
        return self._cancellation or Cancellation(self.record.id, self.final or self.state)

    async def redirect(self, tell: Callable[[Event], None]) -> None:
        """Give everything so far, and what comes, to `tell`."""
        self._feed.redirect(tell)

    async def join(self, tell: Callable[[Event], None]) -> int:
        """Give what comes to `tell` too; what came before are so many lines of the journal."""
        return self._feed.join(tell)

    # --- the stations ---------------------------------------------------------------------------------------------

    async def _until_over(self, way: Coroutine[Any, Any, Finished]) -> Finished:
        """Go the job's way, and write its end down."""
        try:
            finished = await way
            self._end(finished.state, finished, cost_usd=finished.cost_usd)
            return finished
        except BaseException as failure:
            self._fail(failure)
            raise
        finally:
            self._over.set()

    async def write_down(self) -> None:
        """See to it that the job is written down, as it has to be before anything is sent; raises `SettingsError`."""
        for _ in range(SHORT_LOOKS):
            if self._desk.store.flush_at_once():
                return
            await asyncio.sleep(SHORT_LOOK_S)  # somebody else is writing: the loop must not wait for them
        await asyncio.to_thread(self._desk.store.flush)

    async def _run_with_retries(self, to: Destination, prepared: Sendable, retries: int) -> Finished:
        await self.write_down()
        for left in range(retries, 0, -1):
            try:
                return await self._run_until_it_ran(to, prepared)
            except WorkerLost:
                self._tries += 1
                self._feed.tell(Phase("queue", f"again, its worker was lost; {left - 1} retries left"))
        return await self._run_until_it_ran(to, prepared)

    async def _run_until_it_ran(self, to: Destination, prepared: Sendable) -> Finished:
        """Send the job again where a worker ran nothing of it, for a reason that passes."""
        sendings_left = FRESH_WORKERS + 1
        while True:
            place = await self._submit(to, prepared)
            finished = await self._finish(place, prepared.timeout_s)
            reason, equipped = finished.why_nothing_ran, place.link.equipped
            if reason == "missing" and place.endpoint.id in equipped:
                equipped.discard(place.endpoint.id)
                continue
            sendings_left -= 1
            if reason is None or not sendings_left:
                equipped.add(place.endpoint.id)
                return finished
            self._feed.tell(Phase("queue", "again, on a fresh worker"))

    async def _submit(self, to: Destination, prepared: Sendable) -> Place:
        self._place = None
        self._place = place = await self._submitter.submit(to, prepared)
        endpoint = place.endpoint
        changes = {"platform_id": place.platform_id, "endpoint_id": endpoint.id, "name": endpoint.name}
        self._desk.note(self.record.id, **changes, state=JobState.IN_QUEUE)
        self._desk.obeying.watch(self.record.id, self._obey)
        self._accepted.set()
        if self._cancelled.is_set():  # meanwhile
            self._obey()
        return place

    def _obey(self) -> None:
        if self.final is None:
            self._cancelling = asyncio.ensure_future(self._cancel_late())

    async def _cancel_late(self) -> None:
        with contextlib.suppress(ApiError):  # the job runs on, as one does that can't be cancelled
            await self.cancel(looks_after_worker=self._looks_after_worker)

    async def _finish(self, place: Place, timeout_s: int | None, poll_cap_s: float = POLL_CAP_S) -> Finished:
        link = place.link
        link.streams.listen(self.record.run, self._feed.take)
        watch = Watch(
            queue=place.queue,
            platform_id=place.platform_id,
            done=self._feed.done,
            tell=self._report,
            on_worker=partial(self._meet, place),
            revive=self._revive,
            clock=link.http.clock,
            see=link.waits.of_job(place.endpoint, place.queue, self._report, job_id=self.record.id),
            # the later ones of many wait longer before they ask: most hear of their end from the log
            first_poll_s=min(FIRST_POLL_S * max(1, len(link.awaited) // 10), POLL_CAP_S),
            poll_cap_s=poll_cap_s,
            said=partial(self._said, place),
        )
        link.awaited.add(self.record.id)
        try:
            job = await follow(watch)
            self.measured = measured(job, place.rate)
            self._desk.budget.meter.ended(self.record.id, job.execution_ms, job.worker_id)
            if job.worker_id:
                self._meet(place, job.worker_id)
            answer = await self._answer_of(job, place, timeout_s)
            await self._feed.complete(answer)
        finally:
            link.awaited.discard(self.record.id)
            link.streams.forget(self.record.run)
        finished = Finished(
            answer,
            place.endpoint.id,
            job.worker_id,
            self.measured.cost_usd,
            delay_ms=job.delay_ms,
            execution_ms=job.execution_ms,
            ended_at=datetime.now(timezone.utc),
            job=job if self.record.kind in KINDS else None,
            known_order=self._said_order if answer is self._said_answer else read_order(answer),
        )
        if finished.order.get("status") == "lost":
            raise instance_lost(self.record.source.rpartition(".")[0], job_id=self.record.id)
        return finished

    def _said(self, place: Place) -> Job | None:
        """Return the job where its worker's log had all of it; its times are what worker and client measured.

        They have one clock: no other worker's log says answers (`prepare.may_say_answer`).
        """
        answer = self._feed.answer
        if answer is None or self._cancelled.is_set():
            return None
        self._said_answer, self._said_order = answer, read_order(answer)
        order = self._said_order
        took_s = sum(order.get("phases", {}).values())
        waited_s = max(0.0, order.get("began_at", 0.0) - place.sent_at)
        return Job(
            id=place.platform_id,
            status=JobState.COMPLETED,
            workerId=self._feed.worker_id,
            delayTime=round(waited_s * 1000),
            executionTime=round(took_s * 1000),
        )

    async def _answer_of(self, job: Job, place: Place, timeout_s: int | None) -> bytes:
        """Return the answer, or raise what the end means, after the worker's last words are shown."""
        link = place.link
        kind = self.record.kind
        if kind in KINDS and (handlers := handlers_answer(job, kind)) is not None:
            return handlers
        if job.status is JobState.COMPLETED:
            said = self._feed.answer if job.output is None else None
            return said or read_response(job.output)
        if job.status is JobState.CANCELLED:  # by us, or from elsewhere
            raise JobCancelled(await self._see_cancelled(job, place))
        if job.worker_id and isinstance(failure_of(job, self.record.id), (WorkerLost, JobTimedOut)):
            with contextlib.suppress(asyncio.TimeoutError):
                await within(link.streams.ended(job.worker_id), LAST_WORDS_S)
        tail = link.streams.tail(job.worker_id)
        heard = bool(tail) or self._feed.has_begun
        raise failure_of(job, self.record.id, log_tail=tail, heard=heard, timeout_s=timeout_s, tries=self._tries)

    async def _see_cancelled(self, job: Job, place: Place) -> Cancellation:
        """Wait for the last words of a cancelled job, and for its worker; return how it ended."""
        by = await asyncio.to_thread(self._desk.store.cancelled_by, self.record.id) or ""
        if not job.worker_id:
            return Cancellation(self.record.id, note="cancelled in the queue, nothing ran", by=by)
        stop = Stop.UNASKED
        if self._looks_after_worker:
            seen = see_stop(place.link, place.queue, place.endpoint.id, job.worker_id)
            stop, _ = await asyncio.gather(seen, self._feed.last_words())
        else:
            await self._feed.last_words()
        return Cancellation(
            self.record.id,
            stop=stop,
            worker_id=job.worker_id,
            endpoint=place.endpoint.name,
            ran_s=(job.execution_ms or 0) / 1000,
            cost_usd=self.measured.cost_usd,
            is_billed=place.link.backend.name == "runpod",
            is_rated=place.rate is not None,
            by=by,
        )

    # --- what happens along the way -----------------------------------------------------------------------------

    def _report(self, event: Event) -> None:
        if isinstance(event, Phase) and event.name == "running" and self.state is not JobState.IN_PROGRESS:
            self.state = JobState.IN_PROGRESS
            self._desk.budget.meter.began(self.record.id, event.worker_id)
            self._desk.note(self.record.id, state=self.state, seen_at=utc_now())
        if isinstance(event, Phase) and event.name == "running" and self._feed.worker_phase:
            event = replace(event, name=self._feed.worker_phase)  # the log of a warm worker is quicker than the status
        self._feed.tell(event)

    async def _revive(self) -> None:
        await self._submitter.link(fresh=True)

    def _meet(self, place: Place, worker_id: str) -> None:
        """Follow the log of the worker that has the job."""
        self._worker_id = worker_id
        place.link.streams.watch(place.endpoint.id, worker_id)

    def _fail(self, failure: BaseException) -> None:
        """Write the end down, unless it is only ours: a submitted job goes on without its kernel."""
        only_ours = isinstance(failure, (ApiError, asyncio.CancelledError))
        if isinstance(failure, JobCancelled):
            self._desk.budget.meter.ended(self.record.id)
            self._cancellation = failure.cancellation
            self._end(JobState.CANCELLED, error=str(failure), cost_usd=failure.cancellation.cost_usd)
        elif only_ours and (self._place or self.record.platform_id):
            self._feed.close(has_answer=False)
        else:
            self._desk.budget.meter.ended(self.record.id)
            self._end(_state_after(failure), error=_first_line(failure))

    def _end(self, state: JobState, finished: Finished | None = None, **changes: object) -> None:
        self.state = self.final = state
        self._feed.close(has_answer=finished is not None)
        log = str(self.log.path) if self.log.path else None
        changes |= {"events_log": log, "worker_id": self._worker_id, "is_taken": self.is_awaited}
        if finished is not None:  # to the platform a job whose code raised is COMPLETED
            changes |= {"answer": finished.answer, "error": raised_in(finished.order)}
        self._desk.note_end(self.record.id, state, **changes)


def _state_after(failure: BaseException) -> JobState:
    if isinstance(failure, asyncio.CancelledError):
        return JobState.CANCELLED
    return JobState.TIMED_OUT if isinstance(failure, JobTimedOut) else JobState.FAILED


def _first_line(failure: BaseException) -> str:
    text = failure.message if isinstance(failure, FlashError) else str(failure)
    return f"{type(failure).__name__}: {text}".splitlines()[0]
