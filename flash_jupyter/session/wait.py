"""The main thread's wait: events from the loop thread, then the end. An interrupt ends it, and says what became of it.

What an interrupt led to is the text of the `KeyboardInterrupt` that is raised again.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Generic, TypeVar

from flash_jupyter.errors import FlashError
from flash_jupyter.session.cancelling import JobCancelled
from flash_jupyter.session.events import Event, Phase

T = TypeVar("T")

#: after an interrupt: how long the platform may take to say how it ended; the worker is looked for within 5 s of it
CONFIRM_S = 8.0


class Inbox(Generic[T]):
    """What the loop thread tells the main thread. `SimpleQueue.get` is a wait that a signal ends at once."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[Event | Future[T]] = queue.SimpleQueue()

    def put(self, event: Event) -> None:
        """Hand over an event; from any thread."""
        self._items.put(event)

    def end_with(self, future: Future[T]) -> None:
        """Let this future be the last item, once it is done."""
        future.add_done_callback(self._items.put)

    def drain(self, emit: Callable[[Event], None], *, timeout_s: float | None = None) -> Future[T]:
        """Emit events until the end, and return it; `TimeoutError` when it does not come in time."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                item = self._items.get(timeout=left_s)
            except queue.Empty:
                raise TimeoutError from None
            if isinstance(item, Future):
                return item
            emit(item)


def wait_for(
    inbox: Inbox[T],
    emit: Callable[[Event], None],
    *,
    cancel: Callable[[], object] | None,
    job_id: str,
    leave: Callable[[], None] = lambda: None,
    confirm_s: float = CONFIRM_S,
) -> T:
    """Return what the job's future returns, or raise what it raises.

    An interrupt calls `cancel` and waits until the job is over, at most `confirm_s`; a second one does not wait.
    Without `cancel` the job goes on. `leave` is called where the job is left while it is open.
    """
    try:
        end = inbox.drain(emit)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_after_interrupt(inbox, emit, cancel, job_id, leave, confirm_s)) from None
    try:
        return end.result()
    except JobCancelled as cancelled:
        raise cancelled.for_the_waiting(job_id, "run the cell again") from None
    except CancelledError:
        raise FlashError(
            f"the session was closed while job {job_id} ran; the job goes on", fix=f"see it with %flash attach {job_id}"
        ) from None


def _after_interrupt(
    inbox: Inbox[T],
    emit: Callable[[Event], None],
    cancel: Callable[[], object] | None,
    job_id: str,
    leave: Callable[[], None],
    confirm_s: float,
) -> str:
    """Do what an interrupt asks for, and say what came of it."""
    if cancel is None:
        leave()
        return f"the job goes on; see it again with %flash attach {job_id}"
    try:
        cancel()
        emit(Phase("cancelling", "interrupt again to leave it alone"))
        end = inbox.drain(emit, timeout_s=confirm_s)
    except KeyboardInterrupt:
        leave()
        return f"left while job {job_id} is being cancelled; see what became of it with %flash attach {job_id}"
    except TimeoutError:
        leave()
        return _not_confirmed(job_id)
    return how_it_ended(end, job_id)


def _not_confirmed(job_id: str) -> str:
    return (
        f"it is not confirmed that job {job_id} is cancelled; look at it with %flash jobs, "
        "or end its endpoint with all workers: %flash undeploy NAME"
    )


def how_it_ended(end: Future[T], job_id: str) -> str:
    """Say what became of a job that was to be cancelled; `end` is its future, done or given up."""
    if not end.done():
        return _not_confirmed(job_id)
    if end.cancelled():
        return f"the session was closed; see the job with %flash attach {job_id}"
    failure = end.exception()
    if failure is None:
        return f"too late to cancel, the job was done; take its result with %flash attach {job_id}"
    return str(failure) if isinstance(failure, JobCancelled) else f"the job had ended: {str(failure).splitlines()[0]}"
