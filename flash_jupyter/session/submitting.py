"""From a job that is written down to one that its endpoint has accepted: link, endpoint, queue."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from flash_jupyter.errors import ApiError, NotFoundError, ResultLost, UnreachableError
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.budget import Budget
from flash_jupyter.session.cancelling import Cancellation, JobCancelled
from flash_jupyter.session.cost import Rate, rate_of_existing, sent_to
from flash_jupyter.session.events import Notice, Phase, Sent
from flash_jupyter.session.feed import Feed
from flash_jupyter.session.follow import Signal
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.keeper import Keeper
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.obeying import Obeying
from flash_jupyter.session.provision import request_urls
from flash_jupyter.session.records import JobRecord
from flash_jupyter.session.writer import BackgroundWriter
from flash_jupyter.states import JobState
from flash_jupyter.transport.http import ONCE
from flash_jupyter.transport.queue import Queue, urls_of
from flash_jupyter.transport.refusals import nothing_was_sent
from flash_jupyter.wire.control import Endpoint, RequestUrls
from flash_jupyter.wire.jobs import Job

T = TypeVar("T")

#: a step that is under way when its job is cancelled has so long to come to an end: a half made endpoint is known then
STEP_GRACE_S = 2.0


class Sendable(Protocol):
    """What a job sends: `session/prepare.py` makes it."""

    @property
    def run(self) -> str:
        """The mark of its events."""

    @property
    def timeout_s(self) -> int | None:
        """Seconds that it may run."""

    def body(self, *, with_driver: bool = True) -> bytes:
        """Return the body of the request."""


class Standing(Protocol):
    """An endpoint that somebody else made; it is never made here, and stays as it is."""

    async def find(self, link: Link, *, moved: bool) -> Endpoint:
        """Return it; `moved` asks anew. Raises `NotFoundError`."""


#: where a job goes: to an endpoint that is made where it is missing, or to one that stands
Destination = EndpointSpec | Standing


@dataclass(frozen=True)
class Desk:
    """What all jobs of a session share."""

    links: Links
    #: the folder of what jobs print and say
    logs: Path
    store: JobStore
    writer: BackgroundWriter
    budget: Budget = field(default_factory=Budget)
    #: None where nobody need outlive this process
    keeper: Keeper | None = None

    @cached_property
    def obeying(self) -> Obeying:
        """What sees that another process cancelled a job."""
        return Obeying(self.store, self.writer)

    def note(self, job_id: str, **changes: Any) -> None:
        """Write down what is new of a job, in the background."""
        self.store.update(job_id, soon=True, **changes)
        self.writer.put(self.store.flush)

    def note_end(self, job_id: str, state: JobState, **changes: Any) -> None:
        """Write the end of a job down in the background; `answer` where it has one."""
        self.store.finish(job_id, state, soon=True, **changes)
        self.writer.put(self.store.flush)

    def keep(self) -> None:
        """Let the collector be there: a job may outlive this process."""
        if self.keeper is not None:
            self.writer.put(self.keeper.start)


@dataclass(frozen=True)
class Place:
    """Where an accepted job is."""

    link: Link
    endpoint: Endpoint
    queue: Queue
    platform_id: str
    rate: Rate | None = None
    #: seconds since the epoch at which the job was about to be sent, 0 for one that was sent before
    sent_at: float = 0.0


class Submitter:
    """Sends one job, as often as its runner asks for it."""

    def __init__(self, desk: Desk, record: JobRecord, feed: Feed, cancelled: Signal) -> None:
        self._desk, self._record, self._feed = desk, record, feed
        self._cancelled = cancelled
        self._said = self._by = ""

    async def submit(self, to: Destination, prepared: Sendable) -> Place:
        """Put the job into the queue of its endpoint; one with a spec is made (again) where it is missing.

        Raises `ApiError`s, and `JobCancelled` where the job was cancelled before it was sent.
        """
        budget = self._desk.budget
        for is_last in (False, True):
            link = await self.link(fresh=is_last)
            try:
                if not isinstance(to, EndpointSpec):
                    endpoint = await to.find(link, moved=is_last)
                    return await budget.admitting(partial(self._submit_standing, link, endpoint, prepared))
                endpoint = await budget.admitting(partial(self._provision, link, to, prepared.timeout_s))
                rate = link.provisioner.rate(to)
                body = prepared.body(with_driver=endpoint.id not in link.equipped)
                sent = sent_to(to, rate, link.backend.name, self._record.id)
                return replace(await self._run(link, endpoint, body, sent), rate=rate)
            except NotFoundError:
                if isinstance(to, EndpointSpec):
                    link.provisioner.forget(to)
                if is_last:
                    raise
            except UnreachableError as failure:
                if is_last or not nothing_was_sent(failure):
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def reopen(self) -> Place:
        """Return the place of a job that was submitted before; raises `ResultLost` for one that never was.

        Nobody is asked where the address is known: a cancel must not wait until the control plane takes requests again.
        So of the endpoint only id and name are known, and no rate. With URLs that are no pair the control plane says
        where it is, or the key of one platform went to another; raises `ApiError` then.
        """
        record = self._record
        if record.platform_id is None:
            raise ResultLost(f"job {record.id} was never submitted", fix="run its cell again")
        if not record.endpoint_id:
            raise ResultLost(f"it is not written down to which endpoint job {record.id} went", fix="run its cell again")
        link = await self.link(fresh=False)
        if not link.backend.is_paired:
            return _found(link, await link.control.get(record.endpoint_id), record.platform_id)
        endpoint = Endpoint(id=record.endpoint_id, name=record.name or "")

        async def told() -> RequestUrls:
            return request_urls(await link.control.get(endpoint.id, retry=ONCE))

        queue = Queue(link.http, urls_of(link.backend, endpoint.id), told=told)
        return Place(link, endpoint, queue, record.platform_id)

    @staticmethod
    async def rated(place: Place) -> Place:
        """Return a place that was opened again with its rate where something is charged; the platform is asked once."""
        if place.rate is not None or place.link.backend.name != "runpod":
            return place
        try:
            endpoint = await place.link.control.get(place.endpoint.id, retry=ONCE)
            return _found(place.link, endpoint, place.platform_id)
        except ApiError:  # a price is worth one question
            return place

    async def link(self, *, fresh: bool) -> Link:
        """Return the link to the backend; the embedded Runpod is started where it is not running."""
        name = self._record.backend
        link = None if fresh else self._desk.links.known(name)
        if link is None:
            if name == "local":
                self._feed.tell(Phase("provisioning", "starting the local Runpod"))
            link = await self._unless_cancelled(asyncio.to_thread(self._desk.links.open, name))
        return link

    async def _submit_standing(self, link: Link, endpoint: Endpoint, prepared: Sendable) -> Place:
        rate = await link.provisioner.rate_of_standing(endpoint)
        self._admit(link, rate, prepared.timeout_s)
        return replace(await self._run(link, endpoint, prepared.body()), rate=rate)

    def _admit(self, link: Link, rate: Rate, timeout_s: float | None) -> None:
        record, origin = self._record, link.backend.key_origin
        what = record.filename or record.source
        if text := self._desk.budget.admit(record.id, what, rate, timeout_s=timeout_s, key_origin=origin):
            self._feed.tell(Notice(text))

    async def _provision(self, link: Link, spec: EndpointSpec, timeout_s: float | None) -> Endpoint:
        admit = partial(self._admit, link, timeout_s=timeout_s)
        if known := link.provisioner.known(spec):
            admit(link.provisioner.rate(spec))
            return known
        self._feed.tell(Phase("provisioning", f"looking for endpoint {spec.name}"))
        endpoint = await self._unless_cancelled(link.provisioner.ensure(spec, self._say, admit))
        by = await asyncio.to_thread(self._desk.store.cancelled_by, self._record.id)
        self._by = by or ""
        if self._by:  # from beside this kernel, while the endpoint was made
            self._cancelled.set()
        return endpoint

    async def _run(self, link: Link, endpoint: Endpoint, body: bytes, sent: Sent | None = None) -> Place:
        self._refuse_cancelled()
        queue = Queue(link.http, request_urls(endpoint))
        self._feed.restart()
        link.streams.expect(self._record.run, self._feed.take)
        if sent is not None:
            # told once the request is out: the main thread shows it while the server works, not before
            asyncio.get_running_loop().call_soon(self._feed.tell, sent)
        sent_at = time.time()
        try:
            job = await _run_once(queue, body, self._pause)
        except BaseException:
            link.streams.forget(self._record.run)
            raise
        return Place(link, endpoint, queue, job.id, sent_at=sent_at)

    async def _pause(self, seconds: float) -> None:
        """Wait before a job that was refused is sent again; raises `JobCancelled`."""
        await self._cancelled.wait_at_most(seconds)
        self._refuse_cancelled()

    async def _unless_cancelled(self, step: Coroutine[Any, Any, T]) -> T:
        """Wait for a step, but not on after a cancel; raises `JobCancelled` then."""
        doing = asyncio.ensure_future(step)
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({doing, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                await asyncio.wait({doing}, timeout=STEP_GRACE_S)
        finally:
            cancelled.cancel()
            doing.cancel()  # nothing, where it is done
        if not doing.done():
            self._refuse_cancelled()
        return await doing

    def _refuse_cancelled(self) -> None:
        if self._cancelled.is_set():
            begun = f"; {self._said} had begun, what was made stays listed: %flash endpoints" if self._said else ""
            raise JobCancelled(Cancellation(self._record.id, note=f"cancelled before it was sent{begun}", by=self._by))

    def _say(self, text: str) -> None:
        self._refuse_cancelled()  # what costs money or time is said before it is done
        self._said = text
        self._feed.tell(Phase("provisioning", text))


def _found(link: Link, endpoint: Endpoint, platform_id: str) -> Place:
    """Return the place of a job that was sent before, where its endpoint says."""
    rate = rate_of_existing(endpoint, is_charged=link.backend.name == "runpod")
    return Place(link, endpoint, Queue(link.http, request_urls(endpoint)), platform_id, rate)


async def _run_once(queue: Queue, body: bytes, sleep: Callable[[float], Awaitable[None]]) -> Job:
    try:
        return await queue.run(body, sleep=sleep)
    except UnreachableError as failure:
        if nothing_was_sent(failure):
            raise
        raise UnreachableError(
            f"{failure.message}; the job may have been accepted all the same",
            detail=failure.detail,
            fix="look at %flash status before you run the cell again",
        ) from failure
