"""The wait for a submitted job: the `done` event of the log stream, or `/status` with back-off, until it is final.

A warm short job costs two requests beside the stream: `/run`, and one `/status` after `done`; only the first where
`done` says its answer, and nobody needs to know what it took.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from flash_jupyter.errors import (
    ApiError,
    AuthenticationError,
    InstanceLostError,
    JobError,
    JobTimedOut,
    JobWasCancelled,
    NotFoundError,
    RateLimitedError,
    ResultLost,
    UnreachableError,
    WorkerLost,
)
from flash_jupyter.session.events import Event, Phase
from flash_jupyter.session.records import JobRecord
from flash_jupyter.states import JobState
from flash_jupyter.transport.http import ONCE, Clock
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.jobs import Health, Job, read_error

FIRST_POLL_S, POLL_FACTOR, POLL_CAP_S = 0.1, 1.5, 2.0
#: after `done` the worker has still to deliver its answer: milliseconds, unless it is large
DONE_POLL_S, DONE_FACTOR = 0.002, 2.0
#: a platform that does not answer for this long is given up; the job itself goes on
PATIENCE_S = 120.0
#: from this pause on, a queued job's workers are asked for as well
HEALTH_FROM_S = 1.0


class Signal(asyncio.Event):
    """Set once, for all who wait; lives on one event loop.

    `asyncio.wait_for` would make a task for each wait, and the loop turn twice more: a tenth of what the loop thread
    does for a short cell.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: set[asyncio.Future[None]] = set()

    def set(self) -> None:
        """Wake all who wait."""
        super().set()
        for waiter in self._waiting:
            _wake(waiter)

    async def wait_at_most(self, seconds: float) -> None:
        """Wait until it is set, or the time is over."""
        if self.is_set():
            return
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting.add(waiter)
        timer = loop.call_later(seconds, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiting.discard(waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


@dataclass
class Watch:
    """What the wait for one job needs: how to ask, whom to tell, and how to bring a dead platform back."""

    queue: Queue
    platform_id: str
    done: Signal
    tell: Callable[[Event], None]
    on_worker: Callable[[str], None]
    revive: Callable[[], Awaitable[None]]
    clock: Clock
    #: gets each status; whether it told why the job waits, so that there is no more to say
    see: Callable[[Job], Awaitable[bool]]
    first_poll_s: float = FIRST_POLL_S
    poll_cap_s: float = POLL_CAP_S
    #: gives the job where `done` said all of it; not used for one that lasted until it was asked for
    said: Callable[[], Job | None] = lambda: None
    wait: Callable[[Signal, float], Awaitable[None]] = Signal.wait_at_most


async def follow(watch: Watch) -> Job:
    """Return the job once it is final.

    Raises `ResultLost` when the platform does not know it any more, and `ApiError` when it does not answer for
    `PATIENCE_S` seconds.
    """
    pause_s, done_pause_s = watch.first_poll_s, DONE_POLL_S
    silent_since: float | None = None
    shown, is_asked = "", False
    while True:
        await watch.wait(watch.done, pause_s)
        if not is_asked and (said := watch.said()) is not None:
            return said
        is_asked = True
        try:
            job = await watch.queue.status(watch.platform_id, retry=ONCE)
        except ApiError as failure:
            silent_since = silent_since if silent_since is not None else watch.clock.monotonic()
            await _endure(failure, watch, silent_since)
            continue
        silent_since = None
        is_explained = await watch.see(job)
        if job.status.is_final:
            return job
        if not is_explained:
            shown = await _report(job, watch, shown, pause_s)
        if watch.done.is_set():
            await watch.clock.sleep(done_pause_s)
            done_pause_s = min(done_pause_s * DONE_FACTOR, POLL_CAP_S)
        else:
            pause_s = min(pause_s * POLL_FACTOR, watch.poll_cap_s)


async def _endure(failure: ApiError, watch: Watch, silent_since: float) -> None:
    """Live through a platform that does not answer for a while, or raise."""
    if isinstance(failure, NotFoundError):
        raise ResultLost(
            f"the platform does not know job {watch.platform_id} any more; its result is kept for 30 minutes",
            platform_id=watch.platform_id,
            fix="run the cell again",
        ) from failure
    transient = isinstance(failure, (UnreachableError, RateLimitedError)) or failure.status >= 500
    patient = watch.clock.monotonic() - silent_since < PATIENCE_S
    if isinstance(failure, AuthenticationError) or not transient or not patient:
        raise failure
    if isinstance(failure, UnreachableError):
        await watch.revive()
    await watch.clock.sleep(max(getattr(failure, "retry_after_s", 0.0), FIRST_POLL_S))


async def _report(job: Job, watch: Watch, shown: str, pause_s: float) -> str:
    """Tell where an open job is, when that has changed; return what is shown now."""
    if job.worker_id:
        watch.on_worker(job.worker_id)
    if job.status is JobState.IN_PROGRESS:
        phase = Phase("running", worker_id=job.worker_id)
    else:
        phase = await _why_queued(watch) if pause_s >= HEALTH_FROM_S else Phase("queue")
    line = f"{phase.name} {phase.detail} {phase.worker_id}"
    if line != shown:
        watch.tell(phase)
    return line


async def _why_queued(watch: Watch) -> Phase:
    try:
        health = await watch.queue.health(retry=ONCE)
    except ApiError:
        return Phase("queue")  # only colour; the next status call says what is wrong
    return Phase("starting" if is_starting(health) else "queue", describe_workers(health))


def is_starting(health: Health) -> bool:
    """Whether a queued job waits for a worker that is on its way, and for none that is there.

    >>> is_starting(Health.model_validate({"workers": {"initializing": 1}}))
    True
    """
    counts = health.workers
    return bool(counts.initializing) and not (counts.idle or counts.ready or counts.running)


def describe_workers(health: Health) -> str:
    """Say why a job still waits.

    >>> describe_workers(Health.model_validate({"workers": {"initializing": 2, "throttled": 1}}))
    '2 workers starting, 1 waiting for capacity'
    """
    counts = health.workers
    parts = [
        (counts.initializing, "starting"),
        (counts.throttled, "waiting for capacity"),
        (counts.running, "busy"),
        (counts.unhealthy, "unhealthy"),
    ]
    words = [f"{count} {what}" for count, what in parts if count]
    if not words:
        return "no worker yet"
    first, *rest = words
    number, what = first.split(" ", 1)
    return ", ".join([f"{number} {'worker' if number == '1' else 'workers'} {what}", *rest])


def failure_of(
    job: Job,
    job_id: str,
    *,
    log_tail: Sequence[str] = (),
    heard: bool = False,
    timeout_s: float | None = None,
    tries: int = 1,
) -> JobError:
    """Return the error that a final state without a result means; `tries` counts how often the job was sent.

    `log_tail` are the worker's own last lines. Where its output was `heard`, the cell has shown it, and what the
    platform repeats of it is left out.
    """
    ids = {"job_id": job_id, "platform_id": job.id, "worker_id": job.worker_id or ""}
    text = read_error(job.error_text)
    if job.status is JobState.TIMED_OUT:
        limit = f" ({timeout_s:g} s)" if timeout_s else ""
        return JobTimedOut(
            f"the job was stopped: its execution timeout{limit} passed", fix="give it more with timeout=SECONDS", **ids
        )
    if job.status is JobState.CANCELLED:
        return JobWasCancelled("the job was cancelled", fix="run the cell again", **ids)
    if heard and job.lost_its_worker:
        text = text.partition("\n")[0]
    tail = () if "\n" in text else log_tail
    if job.lost_its_worker:
        what = text.partition(":")[2].strip() if text.lower().startswith("worker lost:") else text
        again = "it was not run again" if tries == 1 else f"so it did in each of {tries} tries"
        return WorkerLost(
            f"the worker died while it ran the job; {again}\n    {_indent(what)}",
            log_tail=tail,
            fix=_after_a_loss(what),
            **ids,
        )
    return JobError(f"the worker failed: {text or 'it gave no reason'}", log_tail=tail, fix="run the cell again", **ids)


def instance_lost(
    label: str, *, job_id: str = "", hit: WorkerLost | None = None, has_ended: bool = False
) -> InstanceLostError:
    """Return the error for a call of an instance that is gone; `label` is its class, `hit` how this call saw it go.

    `has_ended` says that an earlier call saw its worker's end; else a worker that does not have it has answered.
    """
    if hit is None:
        why = "gone: the worker in which it lived has ended"
        doubt = "lost: a call did not reach the worker in which it lived, which has probably ended"
        return InstanceLostError(
            f"the instance of {label} is {why if has_ended else doubt}",
            job_id=job_id,
            fix=f"make a new one, {label}(...); a longer idleTimeout= or workersMin=1 keeps its worker longer",
        )
    lost = InstanceLostError(
        f"the instance of {label} is gone: {hit.message}",
        job_id=hit.job_id,
        platform_id=hit.platform_id,
        worker_id=hit.worker_id,
        fix=f"{hit.fix}, on a new instance: {label}(...)",
    )
    lost.log_tail, lost.is_hit = hit.log_tail, True
    return lost


def _after_a_loss(what: str) -> str:
    """Say what to do about a dead worker; the words are the embedded Runpod's, the platform's are not documented.

    >>> _after_a_loss("w1: out of memory: used 9 MB of 8 MB")
    'give it more memory with other hardware (gpu= or cpu=), or let it do less at once'
    """
    reason = what.partition("\n")[0]
    if "embedded Runpod" in reason:
        return "run it again: the embedded Runpod starts by itself"
    if "out of memory" in reason or "signal 9" in reason:  # what a machine without memory sends
        return "give it more memory with other hardware (gpu= or cpu=), or let it do less at once"
    return "look at its last lines, then run it again"


def _indent(text: str) -> str:
    return text.replace("\n", "\n    ")


def result_lost(record: JobRecord, why: str) -> ResultLost:
    """Say what was lost, why, and when it was last seen."""
    seen = f", last seen {record.state.value} {record.seen_at}" if record.seen_at else ""
    return ResultLost(
        f"the result of job {record.id} is lost: {why} (made {record.created_at}{seen})",
        job_id=record.id,
        platform_id=record.platform_id or "",
        fix="run its cell again; what it printed while it was followed is above",
    )
