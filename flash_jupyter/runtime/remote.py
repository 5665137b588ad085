"""`@remote` in a bundle whose resources call each other: what another one serves has the face that it has at home.

`await f(x)` and `f.remote(x)` give an output with the value or the failure, a route gives its value, an instance of a
class lives on the other side. What hinders a call is raised.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import secrets
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from flash_jupyter import limits
from flash_jupyter.capsule.kinds import NestedOutput
from flash_jupyter.errors import FlashError, RemoteExecutionError
from flash_jupyter.runtime.request import Arguments, Call, Ended, Instance
from flash_jupyter.worker.decorated import make_remote

if TYPE_CHECKING:
    from flash_jupyter.runtime.dial import Dial


def _connect() -> Dial:
    """Return this worker's connections; the client is imported by the first call, not by every start of a worker."""
    from flash_jupyter.runtime.dial import dial

    return dial()


class RemoteOutput(NestedOutput):
    """How a call of another resource ended; times are milliseconds, the platform's."""

    def __init__(self, call: Call, ended: Ended | None = None, failure: FlashError | None = None) -> None:
        super().__init__(ended.value if ended else None, failure)
        job = ended.job if ended else None
        self.endpoint = call.resource
        self.id: str = job.id if job else ""
        self.worker_id: str | None = job.worker_id if job else None
        self.delay_time_ms: int | None = job.delay_ms if job else None
        self.execution_time_ms: int | None = job.execution_ms if job else None
        if isinstance(failure, RemoteExecutionError):
            self.error = failure.message

    def __repr__(self) -> str:
        what = f"error={self.error!r}" if self.failure else f"output={self.output!r}"
        return f"JobOutput({self.id or self.endpoint}, {self.status}, {what})"


class Started:
    """A call that runs by itself; `await` it, or ask for its `result`."""

    def __init__(self, call: Call, future: Future[Ended], *, is_route: bool) -> None:
        self._call, self._future, self._is_route = call, future, is_route

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the value, at most `timeout` seconds; raises what the function raised, and what hindered it."""
        return self._future.result(timeout).value

    def output(self, timeout: float | None = None) -> Any:
        """Wait, and return what calling the function gives: an output, or of a route its value."""
        try:
            return self._ended(self._future.result(timeout))
        except RemoteExecutionError as failure:
            return self._failed(failure)

    def cancel(self) -> None:
        """Stop it; the platform is told."""
        self._future.cancel()

    def __await__(self) -> Generator[Any, None, Any]:
        return self._join().__await__()

    async def _join(self) -> Any:
        try:
            return self._ended(await asyncio.wrap_future(self._future))  # cancelling it cancels the job
        except RemoteExecutionError as failure:
            return self._failed(failure)

    def _ended(self, ended: Ended) -> Any:
        return ended.value if self._is_route else RemoteOutput(self._call, ended)

    def _failed(self, failure: RemoteExecutionError) -> RemoteOutput:
        if self._is_route:
            raise failure
        return RemoteOutput(self._call, failure=failure)


class RemoteCall:
    """Something that another resource serves, as it is called."""

    def __init__(self, begin: Callable[[Arguments, float | None, int], Started]) -> None:
        self._begin = begin
        self._timeout: float | None = None
        self._retries = 0

    async def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run it over there; cancelling the awaiting task cancels it."""
        return await self.spawn(*args, **kwargs)

    def remote(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run it over there, and wait."""
        return self.spawn(*args, **kwargs).output()

    def spawn(self, /, *args: Any, **kwargs: Any) -> Started:
        """Start it over there, and return at once."""
        named = {name: taken_out(value) for name, value in kwargs.items()}
        return self._begin((tuple(map(taken_out, args)), named), self._timeout, self._retries)

    def map(self, *iterables: Iterable[Any], concurrency: int = limits.MAP_CONCURRENCY) -> list[Any]:
        """Run it over there for every element, so many at once; returns the outputs in order."""

        def call(args: tuple[Any, ...]) -> Any:
            return self.remote(*args)

        with ThreadPoolExecutor(concurrency, "flash_jupyter map") as pool:  # each call is the same job's, as here
            started = [pool.submit(copy_context().run, call, args) for args in zip(*iterables, strict=False)]
            return [each.result() for each in started]

    def options(self, *, timeout: float | None = None, retries: int = 0) -> RemoteCall:
        """Return the same with other options: seconds that it may take, sendings after a lost worker."""
        other = RemoteCall(self._begin)
        other._timeout, other._retries = timeout, retries
        return other


class RemoteFunction(RemoteCall):
    """A function that another resource serves; `local` is the function itself."""

    def __init__(self, function: Callable[..., Any], resource: str, connect: Callable[[], Dial] = _connect) -> None:
        super().__init__(self._start)
        functools.update_wrapper(self, function, updated=())
        self.local, self._resource, self._connect = function, resource, connect
        self._name = function.__name__

    def __reduce__(self) -> str:
        """It travels by its name: who takes it has the same modules."""
        return self.local.__qualname__

    def _start(self, arguments: Arguments, timeout_s: float | None, retries: int) -> Started:
        inspect.signature(self.local).bind(*arguments[0], **arguments[1])
        connected = self._connect()
        left_s = connected.left_s(timeout_s)
        call = Call(self._resource, self._name, self.local, arguments, left_s)
        return Started(call, connected.start(call, retries=retries), is_route=connected.is_route(self._name))


class RemoteClass:
    """A class that another resource serves, and its instances live there; `local` is the class itself."""

    def __init__(self, cls: type, resource: str, connect: Callable[[], Dial] = _connect) -> None:
        functools.update_wrapper(self, cls, updated=())
        self.local, self._resource, self._connect = cls, resource, connect
        self.name = cls.__name__

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[type]:
        return (self.local,)

    def __reduce__(self) -> str:
        """It travels by its name: who takes it has the same modules."""
        return self.local.__qualname__

    def __call__(self, *args: Any, **kwargs: Any) -> RemoteInstance:
        """Describe an instance; the first method that is called makes it. Raises `TypeError` for wrong arguments."""
        inspect.signature(self.local).bind(*args, **kwargs)
        return RemoteInstance(self, (args, kwargs))

    def call(self, instance: Instance, arguments: Arguments, timeout_s: float | None, retries: int) -> Started:
        """Start a call of a method."""
        connected = self._connect()
        left_s = connected.left_s(timeout_s)
        call = Call(self._resource, self.name, self.local, arguments, left_s, instance)
        return Started(call, connected.start(call, retries=retries), is_route=False)


class RemoteInstance:
    """An instance on the other side; each worker there makes its own with the same arguments."""

    def __init__(self, made_by: RemoteClass, arguments: Arguments) -> None:
        args, kwargs = arguments
        self._made_by = made_by
        self._arguments = tuple(map(taken_out, args)), {name: taken_out(each) for name, each in kwargs.items()}
        self._id = f"{made_by.name}-{secrets.token_hex(4)}"

    def __getattr__(self, name: str) -> RemoteCall:
        if name.startswith("_") or not callable(getattr(self._made_by.local, name, None)):
            shown = self._made_by.name
            raise AttributeError(f"{shown} has no public method `{name}`; its attributes live on the other side")
        instance = Instance(self._id, name, self._arguments)
        return RemoteCall(lambda *given: self._made_by.call(instance, *given))


def taken_out(value: Any) -> Any:
    """Return results in the place of outputs: a value itself, or what a list, tuple or dict holds."""
    if isinstance(value, NestedOutput):
        return value.result()
    if type(value) in (list, tuple):
        return type(value)(each.result() if isinstance(each, NestedOutput) else each for each in value)
    if type(value) is dict:
        return {name: each.result() if isinstance(each, NestedOutput) else each for name, each in value.items()}
    return value


def caller_of(decorated: Any, resource: str) -> RemoteClass | RemoteFunction:
    """Return what stands for something that another resource serves."""
    return RemoteClass(decorated, resource) if isinstance(decorated, type) else RemoteFunction(decorated, resource)


#: what a bundle's `flash_jupyter.remote` is where its resources call each other
remote = make_remote(caller_of)
