"""How a job is stopped: the platform is told, then its worker is looked after until it is gone, or time is over.

The platform says `CANCELLED` at once, whatever the worker does; only the list of workers shows whether it stopped. That
list is of the control plane, which takes 60 requests a minute: where it refuses, the endpoint's `/health` is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from enum import Enum

from flash_jupyter.errors import ApiError, JobWasCancelled, NotFoundError
from flash_jupyter.session.links import Link
from flash_jupyter.states import JobState, WorkerState
from flash_jupyter.transport.http import ONCE
from flash_jupyter.transport.loop import within
from flash_jupyter.transport.queue import Queue

#: seconds before each look at the list of workers, 4.5 in all; the end of the worker's log comes before them
LOOKS_S = (0.3, 0.7, 1.5, 2.0)
#: all looks together, also where the platform is slow to answer
LOOK_WITHIN_S = 5.0


class Stop(Enum):
    """What became of the worker that had a cancelled job."""

    NONE = "no worker had it"
    GONE = "worker stopped"
    FREE = "worker free again"
    QUIET = "no worker is busy"
    BUSY = "still busy"
    UNASKED = "nobody asked"


@dataclass(frozen=True)
class Cancellation:
    """How a cancel ended. `ran_s` is how long the job ran, in seconds; `note` what else is to be said."""

    job_id: str
    state: JobState = JobState.CANCELLED
    stop: Stop = Stop.NONE
    worker_id: str = ""
    endpoint: str = ""
    ran_s: float = 0.0
    cost_usd: float | None = None
    is_billed: bool = False
    #: whether the control plane has told what its endpoint is, and so what it costs
    is_rated: bool = True
    note: str = ""
    #: from where somebody beside its kernel asked for it
    by: str = ""

    @property
    def is_confirmed(self) -> bool:
        """Whether nothing of the job runs any more."""
        return self.state.is_final and self.stop is not Stop.BUSY

    def to_json(self) -> dict[str, object]:
        """Return it as `--json` prints it."""
        return {"id": self.job_id, "state": self.state.value, "is_confirmed": self.is_confirmed, "text": self.text}

    @property
    def text(self) -> str:
        """Say in one line what happened, and what it cost.

        >>> Cancellation("fj-1", stop=Stop.GONE, ran_s=11.2, is_billed=True, cost_usd=0.0123).text
        'cancelled, worker stopped (billed 12 s, $0.0123)'
        >>> Cancellation("fj-1", ran_s=11.2, is_billed=True, is_rated=False).text
        'cancelled (billed 12 s, price not known: the control plane did not tell it)'
        >>> Cancellation("fj-1", note="cancelled in the queue, nothing ran", by="a terminal").text
        'cancelled from a terminal in the queue, nothing ran'
        """
        cancelled = f"cancelled from {self.by}" if self.by else "cancelled"
        if self.note:
            return self.note.replace("cancelled", cancelled, 1)
        if not self.state.is_final:
            return f"the platform has not confirmed that job {self.job_id} is cancelled; see %flash jobs"
        if self.state is not JobState.CANCELLED:
            return f"too late, the job is {self.state.value}; see %flash attach {self.job_id}"
        if self.stop is Stop.BUSY:
            return (
                f"{cancelled}, but it is not confirmed that worker {self.worker_id} stopped ({self._bill} so far); "
                f"%flash undeploy {self.endpoint} ends its endpoint with all workers"
            )
        is_seen = self.stop in (Stop.GONE, Stop.FREE, Stop.QUIET)
        return f"{cancelled}{f', {self.stop.value}' if is_seen else ''} ({self._bill})"

    @property
    def _bill(self) -> str:
        seconds = -int(-self.ran_s // 1)  # as it is billed: a second that has begun counts
        unknown = "" if self.is_rated else ", price not known: the control plane did not tell it"
        price = unknown if self.cost_usd is None else f", ${self.cost_usd:.4f}"
        return f"billed {seconds} s{price}" if self.is_billed else f"ran {seconds} s"


class JobCancelled(Exception):
    """The user cancelled the job, and the platform confirmed it, or it was never sent."""

    def __init__(self, cancellation: Cancellation) -> None:
        super().__init__(cancellation.text)
        self.cancellation = cancellation

    def for_the_waiting(self, job_id: str, fix: str) -> JobWasCancelled:
        """Return the error for whoever waits for the job."""
        error = JobWasCancelled(f"the job was {self}", job_id=job_id, fix=fix)
        error.by = self.cancellation.by
        return error


async def see_stop(link: Link, queue: Queue, endpoint_id: str, worker_id: str) -> Stop:
    """Look until the worker is not listed any more, or not as busy; `BUSY` where that is not seen within `LOOKS_S`."""
    with contextlib.suppress(asyncio.TimeoutError):
        return await within(_see_stop(link, queue, endpoint_id, worker_id), LOOK_WITHIN_S)
    return Stop.BUSY


async def _see_stop(link: Link, queue: Queue, endpoint_id: str, worker_id: str) -> Stop:
    ended = asyncio.ensure_future(link.streams.ended(worker_id))
    try:
        for pause_s in LOOKS_S:
            if ended.done():
                await asyncio.sleep(pause_s)
            await asyncio.wait({ended}, timeout=pause_s)
            stop = await _look(link, queue, endpoint_id, worker_id)
            if stop is not Stop.BUSY:
                return stop
    finally:
        ended.cancel()
    return Stop.BUSY


async def _look(link: Link, queue: Queue, endpoint_id: str, worker_id: str) -> Stop:
    try:  # once: to wait until the control plane takes requests again may last a minute
        listed = {worker.id: worker.status for worker in await link.control.workers(endpoint_id, retry=ONCE)}
    except NotFoundError:  # its endpoint was deleted meanwhile
        return Stop.GONE
    except ApiError:
        return await _look_at_health(queue)
    if worker_id not in listed:
        return Stop.GONE
    return Stop.FREE if listed[worker_id] in (WorkerState.IDLE, WorkerState.INITIALIZING) else Stop.BUSY


async def _look_at_health(queue: Queue) -> Stop:
    """Ask the data plane, which names no workers, but counts those that are busy."""
    try:
        counts = (await queue.health(retry=ONCE)).workers
    except ApiError:  # not to know is as good as busy
        return Stop.BUSY
    if counts.running:
        return Stop.BUSY
    return Stop.QUIET if any(counts.model_dump().values()) else Stop.GONE
