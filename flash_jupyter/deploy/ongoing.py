"""One call of a deployed function on its way: sent and followed on the loop thread, waited for by whoever called.

A call makes no endpoint and no job record: what serves it was deployed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, Protocol

import httpx

from flash_jupyter.decorator.calling import for_the_caller
from flash_jupyter.deploy.answers import has_failure
from flash_jupyter.deploy.lookup import Live
from flash_jupyter.deploy.requests import JobRequest, RouteRequest
from flash_jupyter.errors import ApiError, NotFoundError
from flash_jupyter.runtime.wrapper import HEADER
from flash_jupyter.session.events import Event
from flash_jupyter.session.follow import Signal, Watch, follow
from flash_jupyter.session.links import Link
from flash_jupyter.session.provision import request_urls
from flash_jupyter.session.show import awake, show, showing
from flash_jupyter.session.wait import CONFIRM_S, Inbox
from flash_jupyter.states import JobState
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.transport.loop import LoopThread, within
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.control import Endpoint
from flash_jupyter.wire.jobs import Job

Tell = Callable[[Event], None]
#: a worker gives a caller who sends this a whole failure, with its traceback (`worker/api.py`)
PYTHON_CALLER = {HEADER: ""}
#: returns where a resource is served; asks the server anew where it is told that it moved
Find = Callable[[bool], Awaitable[tuple[Link, Live]]]


class Call(Protocol):
    """What can be waited for and cancelled."""

    async def run(self, tell: Tell) -> Any:
        """Bring it to its end; `tell` gets why it waits."""

    async def cancel(self) -> str:
        """Stop it; returns what became of it."""


class JobCall:
    """A job of a queue endpoint."""

    def __init__(self, find: Find, request: JobRequest) -> None:
        self._find, self._request = find, request
        self._queue: Queue | None = None
        self._job: Job | None = None
        self._cancelled, self._sent = False, Signal()

    async def run(self, tell: Tell) -> Job:
        """Return the job when it is over."""
        try:
            link, endpoint, queue, job = await self._send()
        finally:
            self._sent.set()
        watch = Watch(
            queue=queue,
            platform_id=job.id,
            done=Signal(),
            tell=tell,
            on_worker=lambda _worker: None,
            revive=lambda: self._again(link),
            clock=link.http.clock,
            see=link.waits.of_job(endpoint, queue, tell, job_id=job.id),
        )
        return await follow(watch)

    async def cancel(self) -> str:
        """Stop the job, wherever it is."""
        self._cancelled = True
        await self._sent.wait_at_most(CONFIRM_S)
        if self._queue is None or self._job is None:
            return "nothing was sent"
        answer = await self._queue.cancel(self._job.id)
        if answer.status is JobState.CANCELLED:
            return f"job {self._job.id} was cancelled"
        return f"too late to cancel: job {self._job.id} is {answer.status.value}"

    async def _send(self) -> tuple[Link, Endpoint, Queue, Job]:
        for moved in (False, True):
            link, live = await self._find(moved)
            if self._cancelled:
                break
            endpoint = _there(live)
            queue = Queue(link.http, request_urls(endpoint))
            try:
                self._job = await queue.run(self._request.body)
            except NotFoundError:
                if moved:
                    raise
                continue
            self._queue = queue
            return link, endpoint, queue, self._job
        raise asyncio.CancelledError("nothing was sent")

    async def _again(self, _link: Link) -> None:
        """Bring a dead platform back: the embedded Runpod is started at the same place."""
        with contextlib.suppress(ApiError):
            await self._find(False)


class RouteCall:
    """A request to a load balanced endpoint."""

    def __init__(self, find: Find, request: RouteRequest) -> None:
        self._find, self._request = find, request
        self._task: asyncio.Task[Any] | None = None

    async def run(self, _tell: Tell) -> httpx.Response:
        """Return the answer of a worker; raises `ApiError` for one of 400 and more that holds no failure."""
        self._task = asyncio.current_task()
        request = self._request
        for moved in (False, True):
            link, live = await self._find(moved)
            endpoint = _there(live)
            try:
                balancer = Balancer(link.http, endpoint.base_url, endpoint.name)
                answer = await balancer.answer(
                    request.method, request.path, query=request.query, content=request.content, headers=PYTHON_CALLER
                )
                return answer if has_failure(answer) else balancer.checked(request.method, request.path, answer)
            except NotFoundError:
                if moved:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def cancel(self) -> str:
        """Drop the connection."""
        if self._task is not None:
            self._task.cancel()
        return "the request was dropped; its worker may run the function to its end"


def _there(live: Live) -> Endpoint:
    if live.endpoint is None:
        raise NotFoundError(
            f"the resource {live.name} has no endpoint: it was deleted, or never made",
            fix="send the build again: flash deploy send ENV",
        )
    return live.endpoint


def wait(loop: LoopThread, call: Call) -> Any:
    """Wait on this thread; an interrupt cancels the call, and says what became of it."""
    inbox: Inbox[Any] = Inbox()
    future = loop.submit(call.run(inbox.put))
    inbox.end_with(future)
    try:
        return inbox.drain(show).result()
    except KeyboardInterrupt:
        try:
            said = loop.submit(_stopped(call, future)).result()
        except KeyboardInterrupt:
            said = "left while it is being cancelled; its job may go on"
        raise for_the_caller(KeyboardInterrupt(said)) from None


async def join(loop: LoopThread, call: Call) -> Any:
    """Wait in a coroutine; its cancellation cancels the call."""
    future = loop.submit(call.run(showing()))
    ended = asyncio.wrap_future(future)
    ended.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, whoever stopped waiting
    try:
        with awake():
            return await asyncio.shield(ended)
    except asyncio.CancelledError:
        with awake():
            said = await asyncio.wrap_future(loop.submit(_stopped(call, future)))
        raise for_the_caller(asyncio.CancelledError(said)) from None


async def _stopped(call: Call, future: Future[Any]) -> str:
    """Cancel a call, wait for a moment until it is over, and say what became of it."""
    try:
        said = await within(call.cancel(), CONFIRM_S)
    except (ApiError, asyncio.TimeoutError) as failure:
        return f"it is not confirmed that it is cancelled ({failure or 'no answer'}); its job may go on"
    finally:
        future.cancel()  # nobody waits for it any more
    return said
