"""Asking an endpoint as it is, from any event loop: `Endpoint(id=...)` and `Endpoint(name=..., image=...)`.

The names are those of runpod-flash 1.21, so that its programs need no other words.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from typing import Any, TypeVar

from flash_jupyter.decorator.target import Target
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.unified import EndpointDescription
from flash_jupyter.session.awake import awake
from flash_jupyter.session.client import EndpointClient, PlacedJob, look, stop
from flash_jupyter.session.default import default_session
from flash_jupyter.session.session import Session
from flash_jupyter.session.show import showing
from flash_jupyter.wire.jobs import Job

T = TypeVar("T")
#: pauses between looks at a job, in seconds: the first, how they grow, the longest (as runpod-flash 1.21 has them)
FIRST_S, GROWTH, LONGEST_S = 0.25, 1.5, 5.0
TIMEOUT_S = 60.0


class EndpointJob:
    """A job that was put into a queue: `await job.wait()`, then `job.output`."""

    def __init__(self, placed: PlacedJob) -> None:
        self._placed = placed

    def __repr__(self) -> str:
        return f"EndpointJob(id={self.id!r}, status={self._job.status.value!r})"

    @property
    def _job(self) -> Job:
        return self._placed.job

    @property
    def id(self) -> str:
        """The platform's id."""
        return self._job.id

    @property
    def output(self) -> Any:
        """What the handler returned, as far as the last look saw it."""
        return self._job.output

    @property
    def error(self) -> str | None:
        """What went wrong, None where nothing did."""
        return self._job.error_text or None

    @property
    def done(self) -> bool:
        """Whether it has ended, however, as far as the last look saw it."""
        return self._job.status.is_final

    async def status(self) -> str:
        """Look where it is, and return that, as in `IN_PROGRESS` or `COMPLETED`."""
        session = default_session()
        self._placed = await _on_loop(session, look(session, self._placed))
        return self._job.status.value

    async def cancel(self) -> EndpointJob:
        """Stop it."""
        session = default_session()
        self._placed = await _on_loop(session, stop(session, self._placed))
        return self

    async def wait(self, timeout: float | None = None) -> EndpointJob:
        """Wait for its end, at most `timeout` seconds: `TimeoutError` then, and the job goes on."""
        started, pause_s = time.monotonic(), FIRST_S
        with awake():
            while not self.done:
                left_s = None if timeout is None else timeout - (time.monotonic() - started)
                if left_s is not None and left_s <= 0:
                    raise TimeoutError(f"job {self.id} is {self._job.status.value} after {timeout:g} s; it goes on")
                await asyncio.sleep(pause_s if left_s is None else min(pause_s, left_s))
                await self.status()
                pause_s = min(pause_s * GROWTH, LONGEST_S)
        return self


class ClientCall:
    """A request to a route, sent when it is awaited; above a function it says what would work there."""

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, Any]], what: str) -> None:
        self._begin, self._what = begin, what

    def __await__(self) -> Generator[Any, None, Any]:
        return self._begin().__await__()

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        """Refuse to decorate."""
        raise OptionError(
            f"{self._what} asks an endpoint that runs other code, and can't be a route of yours",
            fix="await it; for routes of your own write Endpoint(name=...) without id= and image=",
        )


def request(
    description: EndpointDescription, method: str, path: str, data: Any, options: Mapping[str, Any]
) -> ClientCall:
    """Return a request to a route; raises `OptionError` for options that there are not."""
    wrong = next((name for name in options if name != "timeout"), None)
    if wrong:
        raise OptionError(f".{method.lower()}() has no argument {wrong}=", fix="it takes path, data and timeout=")
    timeout_s = float(options.get("timeout", TIMEOUT_S))
    said = "id" if description.id else "image"

    def begin() -> Coroutine[Any, Any, Any]:
        return ask(description, lambda client: client.request(method, path, data, timeout_s=timeout_s))

    return ClientCall(begin, f"Endpoint({said}=...).{method.lower()}({path!r})")


async def ask(description: EndpointDescription, work: Callable[[EndpointClient], Coroutine[Any, Any, T]]) -> T:
    """Run `work` with a client of the endpoint on the session's loop."""
    session = default_session()

    def spec_of(is_load_balanced: bool) -> Any:
        return Target(description.resource(is_load_balanced=is_load_balanced)).spec(session)

    return await _on_loop(session, work(EndpointClient(session, description.id, spec_of, showing())))


async def _on_loop(session: Session, work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on the session's loop; cancelling the awaiting task cancels it."""
    awaited: Awaitable[T] = asyncio.wrap_future(session.loop.submit(work))
    with awake():
        return await awaited
