"""A call on its way: waited for by a thread or by a coroutine, cancelled, and taken home.

The calling thread unpickles; everything else is on the session's loop thread, so one connection pool serves all calls,
whatever loops they are awaited from.
"""

from __future__ import annotations

import asyncio
import contextlib
import linecache
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

from flash_jupyter.capsule import RESULT, Sender
from flash_jupyter.errors import FlashError, RemoteExecutionError, SerializationError
from flash_jupyter.own_type import in_own_type
from flash_jupyter.session.awake import awake
from flash_jupyter.session.cancelling import JobCancelled
from flash_jupyter.session.events import Event
from flash_jupyter.session.handlers import read_handlers
from flash_jupyter.session.results import Finished, raise_failure, read_answer
from flash_jupyter.session.running import Runner
from flash_jupyter.session.wait import CONFIRM_S, Inbox, how_it_ended, wait_for
from flash_jupyter.states import JobState
from flash_jupyter.transport.loop import LoopThread, done, within
from flash_jupyter.wire.jobs import read_failure

Emit = Callable[[Event], None]


@dataclass(frozen=True)
class CallOutcome:
    """How a call ended: its `value`, or the `failure` of the user's code."""

    value: Any = None
    failure: FlashError | None = None


#: what a job came back with, and how that is read
Ran = tuple[Finished, Callable[[bytes], CallOutcome]]


class StartedCall:
    """A call whose job is written down and runs by itself."""

    def __init__(self, runner: Runner, future: Future[Ran], loop: LoopThread, warnings: tuple[str, ...] = ()) -> None:
        self.id, self.warnings = runner.record.id, warnings
        self._runner, self._future, self._loop = runner, future, loop
        self._outcome: CallOutcome | None = None
        self.finished: Finished | None = None

    @property
    def future(self) -> Future[Ran]:
        """What is done when the job is over; not to be cancelled."""
        return self._future

    @property
    def endpoint(self) -> str | None:
        """The name of the endpoint that has the job."""
        return self._runner.record.name

    @property
    def state(self) -> JobState:
        """Where the job is."""
        if not self._future.done():
            return self._runner.state
        failure = self._future.exception() if not self._future.cancelled() else CancelledError()
        if failure is None:
            return JobState.FAILED if self.take().failure else JobState.COMPLETED
        return self._runner.final or JobState.FAILED

    def listen(self, emit: Emit) -> None:
        """Give what the job has shown, and what it will show, to `emit`, on the loop thread."""
        self._loop.submit(self._runner.redirect(emit)).result()

    def cancel(self, *, looks_after_worker: bool = True) -> Future[None]:
        """Ask the platform to stop the job; done when that was sent."""
        return self._loop.submit(self._runner.cancel(looks_after_worker=looks_after_worker))

    def wait(self, inbox: Inbox[Ran], emit: Emit) -> CallOutcome:
        """Wait on this thread; an interrupt cancels the job first. Raises what the job raises."""
        inbox.end_with(self._future)
        wait_for(inbox, emit, cancel=self.cancel, job_id=self.id)
        return self.take()

    async def join(self) -> CallOutcome:
        """Wait in a coroutine; its cancellation cancels the job, and is raised when that was sent."""
        try:
            with awake():
                await done(self._future)
        except asyncio.CancelledError:
            if self._future.done():  # in this moment
                raise
            with awake():
                await self._stop()
            raise asyncio.CancelledError(how_it_ended(self._future, self.id)) from None
        return self.take()

    async def _stop(self) -> None:
        told = asyncio.wrap_future(self.cancel())
        await asyncio.wait([told], timeout=CONFIRM_S)
        if told.done() and told.exception() is None:  # else the platform is gone: there is nothing more to do
            with contextlib.suppress(asyncio.TimeoutError):
                await within(done(self._future), CONFIRM_S)

    def take(self) -> CallOutcome:
        """Return how the call ended, once it has; raises what the job raised."""
        if self._outcome is None:
            try:
                self.finished, read = self._future.result(0)
            except JobCancelled as cancelled:
                raise cancelled.for_the_waiting(self.id, "call the function again") from None
            except CancelledError:
                raise FlashError(
                    f"the session was closed while job {self.id} ran; the job goes on",
                    fix=f"see it with %flash attach {self.id}",
                ) from None
            self._outcome = read(self.finished.answer)
        return self._outcome


def read_result(sender: Sender, blob: bytes) -> CallOutcome:
    """Unpickle an answer; a failure of the user's code becomes data."""
    answer = read_answer(sender, blob)
    try:
        raise_failure(answer.order)
        for failure in answer.failed:
            if failure["name"] == RESULT:
                raise _not_returned(failure)
    except RemoteExecutionError as error:
        return CallOutcome(failure=complete(error, answer.error, answer.namespace))
    except FlashError as error:
        return CallOutcome(failure=error)
    return CallOutcome(value=answer.result)


def read_handler_answer(blob: bytes) -> CallOutcome:
    """Read what `handlers_answer` wrote down; the handler's failure becomes data."""
    order, output = read_handlers(blob)
    return CallOutcome(failure=read_failure(output)) if order.get("failed") else CallOutcome(output)


def _not_returned(failure: dict[str, str]) -> SerializationError:
    """Say which part of a result can't come home."""
    path = failure["path"].replace(RESULT, "the result", 1)
    return SerializationError(
        "the result",
        path,
        failure["culprit"],
        reason=failure["reason"],
        fix="return what you need of it, e.g. list(...) of a generator",
    )


def complete(
    error: RemoteExecutionError, original: object, namespace: Mapping[str, Any] | None
) -> RemoteExecutionError:
    """Add what only this side knows: the lines of the files, and the exception's own type where that exists here."""
    frames = [frame if frame["text"] else {**frame, "text": _line(frame)} for frame in error.frames]
    error.frames = tuple(frames)
    failure = in_own_type(error, original, namespace)
    if isinstance(original, BaseException) and not isinstance(failure, type(original)):
        failure.__cause__ = original  # its type can't be joined with ours
    if frames:
        places = "".join(
            f"\n  {frame['filename']}:{frame['line']} in {frame['name']}: {frame['text']}" for frame in frames
        )
        failure.__notes__ = [*getattr(failure, "__notes__", ()), f"on the worker:{places}"]
    return failure


def _line(frame: Any) -> str:
    return linecache.getline(frame["filename"], int(frame["line"] or 0)).strip()
