"""How a remote function or method is called: awaited, synchronously, as a job of its own, or for many arguments."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable
from datetime import datetime, timezone
from operator import methodcaller
from typing import Any, Generic

from flash_jupyter import limits
from flash_jupyter.decorator.fanout import fan_out
from flash_jupyter.decorator.output import CALLS, OPEN, JobOutput, P, R, output_of, unwrapped
from flash_jupyter.decorator.raising import for_the_caller
from flash_jupyter.decorator.target import check_concurrency
from flash_jupyter.errors import FlashError, RemoteExecutionError
from flash_jupyter.own_type import in_own_type
from flash_jupyter.session.calls import Arguments
from flash_jupyter.session.events import Event, Notice
from flash_jupyter.session.show import show, showing
from flash_jupyter.session.started import StartedCall
from flash_jupyter.session.wait import Inbox
from flash_jupyter.transport.loop import run_aside

Tell = Callable[[Event], None]


class RemoteCallable(ABC, Generic[P, R]):
    """Something that can be called on a worker; who derives from it says how a call begins."""

    #: what it is called in messages
    label: str

    @abstractmethod
    def _begin(self, arguments: Arguments, tell: Tell) -> StartedCall:
        """Prepare a call on this thread, and send it on its way; `tell` is called on the loop thread."""

    @abstractmethod
    def _runs_here(self) -> bool:
        """Whether calls run in this process: `local=True`, and on a worker."""

    @abstractmethod
    def local(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call it here, as if it were not decorated."""

    async def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> JobOutput[R]:
        """Run on a worker; prints appear meanwhile, and cancelling the awaiting task cancels the job.

        A failure of the code is in the output; what hinders the job is raised: `ApiError`, `JobError`, `CaptureError`.
        """
        if self._runs_here():
            return await await_here(self.local, *unwrapped_arguments((args, kwargs)))
        started = self._start((args, kwargs), showing())
        try:
            return finish(started, await started.join())
        except asyncio.CancelledError as cancelled:
            raise for_the_caller(cancelled) from None

    def remote(self, /, *args: P.args, **kwargs: P.kwargs) -> JobOutput[R]:
        """Run on a worker and wait for it; an interrupt cancels the job."""
        if self._runs_here():
            return run_here(self.local, *unwrapped_arguments((args, kwargs)))
        inbox: Inbox[Any] = Inbox()
        started = self._start((args, kwargs), inbox.put)
        try:
            return finish(started, started.wait(inbox, show))
        except KeyboardInterrupt as interrupt:
            raise for_the_caller(interrupt) from None

    def spawn(self, /, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
        """Start on a worker and return at once."""
        context = contextvars.copy_context()
        return Job(self._start((args, kwargs), lambda event: context.run(show, event)))

    def map(self, *iterables: Iterable[Any], concurrency: int = limits.MAP_CONCURRENCY) -> list[JobOutput[R]]:
        """Call it for every element, as the built-in `map` does; returns the outputs in order.

        At most `concurrency` calls are on their way at once. A failure does not take the others with it; an interrupt
        cancels those that are open.
        """
        check_concurrency(concurrency)
        if self._runs_here():
            calls = zip(*iterables, strict=False)
            return [run_here(self.local, *unwrapped_arguments((args, {}))) for args in calls]

        def start(args: tuple[Any, ...], tell: Tell) -> StartedCall:
            return self._start((args, {}), tell)

        cancel = methodcaller("cancel", looks_after_worker=False)
        try:
            started = fan_out(start, iterables, concurrency=concurrency, label=self.label, cancel=cancel)
        except KeyboardInterrupt as interrupt:
            raise for_the_caller(interrupt) from None
        return [_ended(call) for call in started]

    def _start(self, arguments: Arguments, tell: Tell) -> StartedCall:
        try:
            started = self._begin(unwrapped_arguments(arguments), tell)
        except FlashError as error:
            raise error.with_traceback(None) from error.__cause__  # its text says all, our frames nothing
        except KeyboardInterrupt as interrupt:
            raise for_the_caller(KeyboardInterrupt(str(interrupt) or "nothing was sent")) from None
        for warning in started.warnings:
            self._warn(warning, tell)
        return started

    def _warn(self, warning: str, tell: Tell) -> None:
        """Say it once, however often the function is called."""
        if (self.label, warning) not in _warned:
            _warned.add((self.label, warning))
            tell(Notice(f"{self.label}: {warning}"))


_warned: set[tuple[str, str]] = set()
# a call that was forgotten to await is known by its code
CALLS.add(RemoteCallable.__call__.__code__)


class Job(Generic[R]):
    """A call that runs by itself; `await` it, or ask for its `result`."""

    def __init__(self, started: StartedCall) -> None:
        self.id = started.id
        self._started = started

    def __repr__(self) -> str:
        return f"Job({self.id}, {self.status()})"

    def status(self) -> str:
        """Return where it is: `IN_QUEUE`, `IN_PROGRESS`, `COMPLETED`, `FAILED`, `CANCELLED` or `TIMED_OUT`."""
        return self._started.state.value

    def result(self, timeout: float | None = None) -> R:
        """Wait for the value, at most `timeout` seconds (`TimeoutError`); raises what the code or the job raised.

        An interrupt ends the wait, not the job.
        """
        try:
            self._started.future.exception(timeout)
        except KeyboardInterrupt:
            raise for_the_caller(KeyboardInterrupt(f"job {self.id} goes on; its cancel() stops it")) from None
        except Exception:
            pass  # `output` says what it was
        return self.output().result()

    def output(self) -> JobOutput[R]:
        """Return how it ended; `TimeoutError` while it runs."""
        if not self._started.future.done():
            raise TimeoutError(f"job {self.id} is {self.status()}")
        return finish(self._started, self._started.take())

    def cancel(self) -> None:
        """Stop it; returns when the platform was told."""
        self._started.cancel().result()

    def __await__(self) -> Generator[Any, None, JobOutput[R]]:
        return self._join().__await__()

    async def _join(self) -> JobOutput[R]:
        return finish(self._started, await self._started.join())


OPEN.add(Job)


def finish(started: StartedCall, outcome: Any) -> JobOutput:
    """Make the output of a call that has ended."""
    assert started.finished is not None
    return output_of(started.id, outcome, started.finished, endpoint=started.endpoint)


def _ended(started: StartedCall) -> JobOutput:
    """Make the output of one of many calls: what hindered it does not take the others with it."""
    try:
        return finish(started, started.take())
    except FlashError as failure:
        return JobOutput(
            started.id, started.state.value, error=failure.message, failure=failure, endpoint=started.endpoint
        )


def unwrapped_arguments(arguments: Arguments) -> Arguments:
    """Put results in the place of `JobOutput`s; raises what `unwrapped` raises."""
    args, kwargs = arguments
    return tuple(map(unwrapped, args)), {name: unwrapped(value) for name, value in kwargs.items()}


@functools.cache
def is_worker() -> bool:
    """Whether this process runs jobs for somebody: the driver is loaded before anything of theirs (`shipping.py`)."""
    return any(name.startswith("_flash_jupyter_driver_") for name in sys.modules)


async def await_here(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> JobOutput:
    """Call a function here, await it where it wants that, and make an output of how it ended."""
    started_at = _now()
    try:
        value = function(*args, **kwargs)
        return _output(started_at, await value if inspect.isawaitable(value) else value)
    except Exception as error:
        return _output(started_at, failure=_failure(error))


def run_here(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> JobOutput:
    """Call a function here and wait for it; a coroutine has a loop of its own, as a notebook's is busy already."""
    started_at = _now()
    try:
        value = function(*args, **kwargs)
        return _output(started_at, run_aside(value) if inspect.isawaitable(value) else value)
    except Exception as error:
        return _output(started_at, failure=_failure(error))


def _output(started_at: datetime, value: Any = None, *, failure: RemoteExecutionError | None = None) -> JobOutput:
    ended_at = _now()
    return JobOutput(
        id="",
        status="FAILED" if failure else "COMPLETED",
        output=value,
        error=failure.message if failure else None,
        started_at=started_at,
        ended_at=ended_at,
        delay_time_ms=0,
        execution_time_ms=int((ended_at - started_at).total_seconds() * 1000),
        failure=failure,
    )


def _failure(error: Exception) -> RemoteExecutionError:
    frames = [
        {"filename": frame.filename, "line": frame.lineno, "name": frame.name, "text": frame.line or ""}
        for frame in traceback.extract_tb(error.__traceback__)[1:]
    ]
    failure = in_own_type(RemoteExecutionError(type(error).__qualname__, str(error), frames=frames), error)
    failure.__cause__ = error  # it has the frames
    return failure


def _now() -> datetime:
    return datetime.now(timezone.utc)
