"""What `@remote(..., method=, path=)` makes of a function: a route of a load balanced endpoint, with plain values."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from flash_jupyter import limits
from flash_jupyter.capsule.kinds import make_nested
from flash_jupyter.decorator.calling import is_worker, unwrapped_arguments
from flash_jupyter.decorator.fanout import fan_out
from flash_jupyter.decorator.output import CALLS, P, R
from flash_jupyter.decorator.raising import bound, check_arguments, for_the_caller, no_attribute
from flash_jupyter.decorator.target import Target, check_concurrency, check_options, parameters_of
from flash_jupyter.errors import OptionError
from flash_jupyter.session.calls import Arguments
from flash_jupyter.session.default import default_session
from flash_jupyter.session.events import Event, Notice
from flash_jupyter.session.requests import Tell, join_request, wait_for_request
from flash_jupyter.session.routes import execute, send
from flash_jupyter.session.show import show
from flash_jupyter.transport.loop import run_aside
from flash_jupyter.transport.routes import PARAMETER, request_of

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
#: the platform's and the published image's own routes (flash-wire 7)
RESERVED = ("/execute", "/ping")


#: what an interrupt does to the open requests of many
DROPPED = "dropped; workers may run the function to its end for these"


@dataclass(frozen=True)
class SentRequest:
    """A request on its way; what reads its value is the result of `future`."""

    future: Future[Callable[[], Any]]

    def drop(self) -> None:
        """Let go of it; the platform has no way to tell its worker."""
        self.future.cancel()


class RemoteRoute(Generic[P, R]):
    """A function behind an HTTP route: `await add(2, 3)` and `add.remote(2, 3)` return what it returns, or raise.

    `add.map(xs, ys)` makes many requests; there is no `spawn`, as a request leaves no job.
    """

    def __init__(
        self, function: Callable[..., Any], target: Target, method: str, path: str, timeout: int | None = None
    ) -> None:
        self._function, self._target, self._timeout = function, target, timeout
        self._origin: RemoteRoute[P, R] = self
        self.method, self.path = method, path
        self.label = getattr(function, "__name__", "function")
        functools.update_wrapper(self, function, updated=())

    async def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Send the request and return the value, or raise what the function raised, a `RemoteExecutionError` too."""
        if self._runs_here():
            value: Any = self._function(*args, **kwargs)
            here: R = await value if inspect.isawaitable(value) else value
            return here
        try:
            read = await join_request(default_session().loop, self._run((args, kwargs)))
        except asyncio.CancelledError as cancelled:
            raise for_the_caller(cancelled) from None
        result: R = read()
        return result

    def remote(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Send the request and wait for the value; an interrupt drops the connection."""
        if self._runs_here():
            value: Any = self._function(*args, **kwargs)
            here: R = run_aside(value) if inspect.isawaitable(value) else value
            return here
        try:
            result: R = wait_for_request(default_session().loop, self._run((args, kwargs)), show)()
            return result
        except KeyboardInterrupt as interrupt:
            raise for_the_caller(interrupt) from None

    def map(self, *iterables: Iterable[Any], concurrency: int = limits.MAP_CONCURRENCY) -> list[R]:
        """Call it for every element, as the built-in `map` does; returns the values in order.

        At most `concurrency` requests are on their way at once. When all have ended, the first failure is raised, in
        the order of the elements; an interrupt drops those that are open.
        """
        check_concurrency(concurrency)
        if self._runs_here():
            here: Callable[..., R] = self.remote
            return [here(*args) for args in zip(*iterables, strict=False)]
        loop, told = default_session().loop, set[str]()

        def start(args: tuple[Any, ...], tell: Tell) -> SentRequest:
            def tell_once(event: Event) -> None:  # a warning is the same for all
                if isinstance(event, Notice):
                    if event.text in told:
                        return
                    told.add(event.text)
                tell(event)

            return SentRequest(loop.submit(self._run((args, {}))(tell_once)))

        try:
            sent = fan_out(
                start,
                iterables,
                concurrency=concurrency,
                label=self.label,
                cancel=SentRequest.drop,
                cancelled=DROPPED,
            )
        except KeyboardInterrupt as interrupt:
            raise for_the_caller(interrupt) from None
        return [each.future.result()() for each in sent]

    def options(self, *, timeout: int | None = None) -> RemoteRoute[P, R]:
        """Return the same route with a time limit for the request, in seconds."""
        check_options(timeout, 0)
        other: RemoteRoute[P, R] = RemoteRoute(self._function, self._target, self.method, self.path, timeout)
        other._origin = self._origin
        return other

    def local(self, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Call the function here, as if it were not decorated."""
        return self._function(*args, **kwargs)

    if not TYPE_CHECKING:  # else a checker would take any name for one that is there

        def __getattr__(self, name: str) -> Any:
            if name != "spawn":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            raise no_attribute(
                name,
                f"{self.label} is a route and has no jobs, so nothing can be spawned\n"
                f"  → await {self.label}(...) in an asyncio task, use {self.label}.map(...), or a queue endpoint, "
                "e.g. LiveServerless",
            )

    def __repr__(self) -> str:
        return f"<remote route {self.method} {self.path} of {self._target.describe()}>"

    def __reduce__(self) -> Any:
        return make_nested, (self._function,)

    def _runs_here(self) -> bool:
        return self._target.local or is_worker()

    def _run(self, arguments: Arguments) -> Callable[[Tell], Any]:
        return lambda tell: self._prepare(arguments, tell)()

    def _prepare(self, arguments: Arguments, tell: Tell) -> Callable[[], Any]:
        arguments = unwrapped_arguments(arguments)
        if self._target.is_live:
            check_arguments(self.label, self._function, arguments)
        session = default_session()
        spec, target = self._target.spec(session), self._target
        if not target.is_live:
            named = bound(self.label, inspect.signature(self._function), arguments)
            path, query, content = request_of(self.method, self.path, named)
            return send(
                session, spec, self.method, path, query=query, content=content, timeout_s=self._timeout, tell=tell
            )
        parameters = parameters_of(self._function)
        request = target.request(self._function, self._origin, arguments, self.label, parameters, self._timeout)
        return execute(session, spec, request, tell)


CALLS.add(RemoteRoute.__call__.__code__)


def check_route(function: Callable[..., Any], target: Target, method: str | None, path: str | None) -> tuple[str, str]:
    """Return the method and the path of a route, or raise `OptionError` with what is missing or wrong."""
    name = getattr(function, "__name__", "function")
    return check_route_of(name, parameters_of(function), target.describe(), method, path)


def check_route_of(
    name: str, parameters: Iterable[str], where: str, method: str | None, path: str | None
) -> tuple[str, str]:
    """Do the same for a function that is known by its name and its parameters; `where` names its endpoint."""
    if not method or not path:
        missing = " and ".join(f"{word}=" for word, value in (("method", method), ("path", path)) if not value)
        raise OptionError(
            f"{name} is a route of {where} and lacks {missing}",
            fix=f'write @remote(..., method="POST", path="/{name}")',
        )
    if method.upper() not in METHODS:
        raise OptionError(f"method={method!r} of {name} can't be used", fix=f"use one of {', '.join(METHODS)}")
    if not path.startswith("/"):
        raise OptionError(f"path={path!r} of {name} does not begin with a slash", fix=f'write path="/{path}"')
    if path in RESERVED:
        raise OptionError(
            f"path={path!r} of {name} belongs to the worker itself", fix=f'choose another, as in "/{name}"'
        )
    unknown = [word for word in PARAMETER.findall(path) if word not in set(parameters)]
    if unknown:
        raise OptionError(
            f"path={path!r} of {name} names {unknown[0]}, which is no parameter of it",
            fix=f"give {name} a parameter {unknown[0]}, or leave it out of the path",
        )
    return method.upper(), path
