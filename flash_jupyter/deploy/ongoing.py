"""One call of a deployed function on its way: sent and followed on the loop thread, waited for by whoever called.

A call makes no endpoint: what serves it was deployed. A job is written down, shown and counted as one of a remote
function; a request to a route leaves no job, and is counted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import httpx

from flash_jupyter.decorator.raising import for_the_caller
from flash_jupyter.deploy.answers import has_failure, read_job, read_route
from flash_jupyter.deploy.lookup import Live, Whereabouts
from flash_jupyter.deploy.requests import JobRequest, RouteRequest
from flash_jupyter.errors import FlashError, NotFoundError
from flash_jupyter.runtime.wrapper import HEADER
from flash_jupyter.session.calling import send_off
from flash_jupyter.session.handlers import DEPLOYED, DEPLOYED_PLAIN
from flash_jupyter.session.links import Link
from flash_jupyter.session.requests import Tell, join_request, wait_for_request, with_balancer
from flash_jupyter.session.running import Runner
from flash_jupyter.session.session import Session
from flash_jupyter.session.show import show, showing
from flash_jupyter.session.started import CallOutcome, Ran, StartedCall
from flash_jupyter.session.wait import Inbox
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.wire.control import Endpoint

#: a worker gives a caller who sends this a whole failure, with its traceback (`worker/api.py`)
PYTHON_CALLER = {HEADER: ""}


class Call(Protocol):
    """What can be waited for, once; its end gives a value, or raises `FlashError`s."""

    def wait(self) -> Any:
        """Wait on this thread; an interrupt cancels the call, and says what became of it."""

    async def join(self) -> Any:
        """Wait in a coroutine; its cancellation cancels the call."""


@dataclass(frozen=True)
class Resource:
    """A resource of a deployed app, as the place of jobs (`session/submitting.py`)."""

    whereabouts: Whereabouts
    name: str

    async def find(self, link: Link, *, moved: bool) -> Endpoint:
        """Return its endpoint; `moved` asks the server anew."""
        return _there(await self.whereabouts.live(link, self.name, moved=moved))


class JobCall:
    """A job of a queue endpoint; `label` is what is called, `names` what travels."""

    def __init__(self, to: Resource, request: JobRequest, label: str, names: tuple[str, ...]) -> None:
        self._to, self._request, self._label, self._names = to, request, label, names

    def wait(self) -> Any:
        """Wait on this thread; what it prints appears meanwhile, and an interrupt cancels the job."""
        inbox: Inbox[Any] = Inbox()
        try:
            return self._start(inbox.put).wait(inbox, show).value
        except KeyboardInterrupt as interrupt:
            raise for_the_caller(interrupt) from None
        except FlashError as failure:
            raise self._told(failure) from failure.__cause__

    async def join(self) -> Any:
        """Do the same in a coroutine."""
        try:
            return (await self._start(showing()).join()).value
        except asyncio.CancelledError as cancelled:
            raise for_the_caller(cancelled) from None
        except FlashError as failure:
            raise self._told(failure) from failure.__cause__

    def _start(self, tell: Tell) -> StartedCall:
        """Write the job down and send it on its way."""
        where, request = self._to.whereabouts, self._request
        session = where.session
        record = session.new_record(
            where.backend,
            name=self._to.name,
            source=f"{where} {self._label}",
            names=self._names,
            run=request.run,
            kind=DEPLOYED if request.is_pickled else DEPLOYED_PLAIN,
        )

        async def run(runner: Runner) -> Ran:
            finished = await runner.run(self._to, request)
            job = finished.job
            assert job is not None  # a handler answered it
            return finished, lambda _answer: CallOutcome(read_job(job, self._label, is_pickled=request.is_pickled))

        return send_off(session, record, tell, run)

    def _told(self, failure: FlashError) -> FlashError:
        """Say what to do as to who called a function."""
        if failure.fix.startswith(("run the cell", "run it", "call the function")):
            failure.fix = f"call {self._label} again"
        return failure


class RouteCall:
    """A request to a load balanced endpoint; `label` is what is called."""

    def __init__(self, to: Resource, request: RouteRequest, label: str) -> None:
        self._to, self._request, self._what = to, request, f"{to.whereabouts} {label}"

    def wait(self) -> Any:
        """Wait on this thread; an interrupt drops the request."""
        session = self._to.whereabouts.session
        try:
            return read_route(wait_for_request(session.loop, partial(self._run, session), show))
        except KeyboardInterrupt as interrupt:
            raise for_the_caller(interrupt) from None

    async def join(self) -> Any:
        """Do the same in a coroutine."""
        session = self._to.whereabouts.session
        try:
            return read_route(await join_request(session.loop, partial(self._run, session)))
        except asyncio.CancelledError as cancelled:
            raise for_the_caller(cancelled) from None

    async def _run(self, session: Session, tell: Tell) -> httpx.Response:
        """Return the answer of a worker; raises `ApiError` for one of 400 and more that holds no failure."""
        backend = self._to.whereabouts.backend
        return await with_balancer(session, self._to, tell, self._ask, what=self._what, timeout_s=None, backend=backend)

    async def _ask(self, balancer: Balancer, *_: object) -> httpx.Response:
        request = self._request
        answer = await balancer.answer(
            request.method, request.path, query=request.query, content=request.content, headers=PYTHON_CALLER
        )
        return answer if has_failure(answer) else balancer.checked(request.method, request.path, answer)


def _there(live: Live) -> Endpoint:
    if live.endpoint is None:
        raise NotFoundError(
            f"the resource {live.name} has no endpoint: it was deleted, or never made",
            fix="send the build again: flash deploy send ENV",
        )
    return live.endpoint
