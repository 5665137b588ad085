"""The main thread's wait: events from the loop thread, then the end; an interrupt cancels the job first."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Generic, TypeVar

from flash_jupyter.errors import FlashError, JobError
from flash_jupyter.session.events import Event, Notice, Phase
from flash_jupyter.session.submitting import JobCancelled

T = TypeVar("T")

#: after an interrupt: how long the platform may take to confirm that the job is over
CONFIRM_S = 5.0


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
    confirm_s: float = CONFIRM_S,
) -> T:
    """Return what the job's future returns, or raise what it raises.

    An interrupt calls `cancel`, waits until the job is final, at most `confirm_s`, says how it ended, and is raised
    again. A second interrupt does not wait.
    """
    try:
        end = inbox.drain(emit)
    except KeyboardInterrupt:
        if cancel is not None:
            cancel()
            _confirm(inbox, emit, job_id, confirm_s)
        raise
    try:
        return end.result()
    except JobCancelled:
        raise JobError("the job was cancelled", job_id=job_id, fix="run the cell again") from None
    except CancelledError:
        raise FlashError(
            f"the session was closed while job {job_id} ran; the job goes on", fix=f"see it with %flash attach {job_id}"
        ) from None


def _confirm(inbox: Inbox[T], emit: Callable[[Event], None], job_id: str, confirm_s: float) -> None:
    try:
        failure = inbox.drain(emit, timeout_s=confirm_s).exception()
    except (TimeoutError, CancelledError):
        emit(Notice(f"job {job_id}: the cancellation is not confirmed yet; look at it with %flash jobs"))
        return
    if isinstance(failure, JobCancelled):
        emit(Phase("cancelled", f"job {job_id}"))
    elif failure is None:
        emit(Phase("cancelled", "too late, the job was done"))
        emit(Notice(f"job {job_id} was done before it could be cancelled; take its result with %flash attach {job_id}"))
    else:
        emit(Phase("cancelled", str(failure).splitlines()[0]))
