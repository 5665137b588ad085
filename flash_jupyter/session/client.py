"""An endpoint as it is, for who asks it with JSON: jobs in its queue, requests to its routes.

One that exists is found by its id; one of an image is made where it is missing. Its jobs are the platform's: they leave
no record here. The meter has them open until somebody looks at one that has ended, so `max_cost` counts them up to then
with their whole timeout; `Budget.admitting` looks before it refuses another job. Requests to routes of an endpoint that
is found by its id are not counted. Only what sends something makes one, and within the budget: to look at a job, or to
stop it, never does.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flash_jupyter.errors import ApiError, NotFoundError, SerializationError
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.events import Event, Notice, Phase
from flash_jupyter.session.links import Link
from flash_jupyter.session.provision import oldest
from flash_jupyter.session.requests import Tell, base_of, open_link, with_balancer, with_endpoint
from flash_jupyter.session.routes import read_json
from flash_jupyter.session.session import Session
from flash_jupyter.settings import BackendName
from flash_jupyter.states import JobState
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.transport.http import ONCE
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.control import Endpoint, RequestUrls
from flash_jupyter.wire.jobs import Job

#: the spec of an endpoint that is to be made: with routes, or with a queue
Specs = Callable[[bool], EndpointSpec]


@dataclass(frozen=True)
class PlacedJob:
    """A job as it was last seen, and where: that stays, whatever backend the session uses later."""

    job: Job
    endpoint_id: str
    backend: BackendName


class EndpointClient:
    """One endpoint, by its id or by its specs; used on the loop thread. `tell` hears what its making takes."""

    def __init__(self, session: Session, endpoint_id: str | None, specs: Specs, tell: Tell) -> None:
        self._session, self._id, self._specs, self._tell = session, endpoint_id, specs, _saying(tell)

    async def submit(self, order: Mapping[str, Any], *, wait_s: float | None = None) -> PlacedJob:
        """Put a job into the queue, and wait `wait_s` for its end where that is given."""
        body = _encode(order, "the input")

        async def send(link: Link, endpoint: Endpoint, request_id: str) -> PlacedJob:
            queue = _queue_of(link, endpoint)
            job = await (queue.run(body) if wait_s is None else queue.run_sync(body, wait_s))
            link.asked[endpoint.id] = endpoint
            placed = PlacedJob(job, endpoint.id, link.backend.name)
            self._session.budget.meter.accepted(request_id, job.id, partial(_look_once, self._session, placed))
            return _seen(self._session, placed)

        to = self._specs(False) if self._id is None else _ById(self._id)
        return await with_endpoint(self._session, to, self._tell, send, what="a job", longest_s=None)

    async def cancel(self, job_id: str) -> PlacedJob:
        """Stop a job of an endpoint that is there; raises `NotFoundError` where there is none."""
        link = await open_link(self._session, self._session.settings.backend)
        if self._id is None:
            endpoint = await _made_before(link, self._specs(False))
        else:
            endpoint = await _existing(link, self._id)
        job = await _queue_of(link, endpoint).cancel(job_id)
        return _seen(self._session, PlacedJob(job, endpoint.id, link.backend.name))

    async def request(self, method: str, path: str, data: Any, *, timeout_s: float) -> Any:
        """Send a request to a route, and return what its JSON says."""
        content = None if data is None else _encode(data, "the data")

        async def send(balancer: Balancer, *_: object) -> Any:
            answer = await balancer.request(method, path, content=content, timeout_s=timeout_s)
            return read_json(answer.content)

        if self._id is None:
            spec, what = self._specs(True), f"{method} {path}"
            return await with_balancer(self._session, spec, self._tell, send, what=what, timeout_s=timeout_s)
        link = await open_link(self._session, self._session.settings.backend)
        endpoint = await _existing(link, self._id)
        if endpoint.type == "QUEUE":
            raise _other_kind(endpoint, "is a queue, and has no routes", "run(...) or runsync(...)")
        return await send(Balancer(link.http, base_of(endpoint), endpoint.name))


async def look(session: Session, placed: PlacedJob) -> PlacedJob:
    """Return a job as it is now; raises `NotFoundError` once its retention is over, or its endpoint is gone."""
    return await _ask(session, placed, lambda queue: queue.status(placed.job.id))


async def stop(session: Session, placed: PlacedJob) -> PlacedJob:
    """Stop a job; raises `NotFoundError` as `look`."""
    return await _ask(session, placed, lambda queue: queue.cancel(placed.job.id))


async def _look_once(session: Session, placed: PlacedJob) -> PlacedJob:
    """Look for the budget, for which a job that is not found stays open: nobody says what it has cost."""
    return await _find(session, placed, lambda queue: queue.status(placed.job.id, retry=ONCE))


async def _ask(session: Session, placed: PlacedJob, ask: Callable[[Queue], Awaitable[Job]]) -> PlacedJob:
    try:
        return await _find(session, placed, ask)
    except NotFoundError:
        session.budget.meter.ended(placed.job.id)
        raise


async def _find(session: Session, placed: PlacedJob, ask: Callable[[Queue], Awaitable[Job]]) -> PlacedJob:
    link = await open_link(session, placed.backend)
    job = await ask(_queue_of(link, await _existing(link, placed.endpoint_id)))
    return _seen(session, replace(placed, job=job))


def _seen(session: Session, placed: PlacedJob) -> PlacedJob:
    """Let the meter know where a job is."""
    meter, job = session.budget.meter, placed.job
    if job.status is JobState.IN_PROGRESS:
        meter.began(job.id, job.worker_id)
    elif job.status.is_final:
        meter.ended(job.id, job.execution_ms, job.worker_id)
    return placed


@dataclass(frozen=True)
class _ById:
    """An endpoint with a queue that somebody has made."""

    id: str

    async def find(self, link: Link, *, moved: bool) -> Endpoint:
        """Return it, or raise `NotFoundError`, and `ApiError` for one without a queue."""
        if moved:
            link.asked.pop(self.id, None)
        endpoint = await _existing(link, self.id)
        _queue_of(link, endpoint)
        return endpoint


async def _made_before(link: Link, spec: EndpointSpec) -> Endpoint:
    """Return the endpoint of an image that this process has seen, or that is listed; it is never made here."""
    endpoint = link.provisioner.known(spec) or oldest(spec, await link.control.endpoints())
    if endpoint is None:
        raise NotFoundError(
            f"there is no endpoint {spec.name}, and so no job of it; nothing was made",
            fix="%flash endpoints lists what is there; run(...) and runsync(...) make it",
        )
    link.asked[endpoint.id] = endpoint
    return endpoint


def _saying(tell: Tell) -> Tell:
    """Let the making of an endpoint be read: it may cost money, and no function's first job tells of it."""

    def heard(event: Event) -> None:
        tell(Notice(event.detail) if isinstance(event, Phase) and event.name == "provisioning" else event)

    return heard


def _queue_of(link: Link, endpoint: Endpoint) -> Queue:
    if endpoint.type != "QUEUE" or not endpoint.request_urls:
        raise _other_kind(endpoint, "is a load balancer, and has no jobs", 'get("/path") or post("/path", data)')
    return Queue(link.http, RequestUrls.model_validate(endpoint.request_urls))


async def _existing(link: Link, endpoint_id: str) -> Endpoint:
    """Return an endpoint that somebody has made; the control plane is asked once a connection, not for every job."""
    found = link.asked.get(endpoint_id)
    if found is None:
        try:
            found = link.asked[endpoint_id] = await link.control.get(endpoint_id)
        except NotFoundError as failure:
            raise NotFoundError(
                f"there is no endpoint {endpoint_id}", status=failure.status, fix="%flash endpoints lists their ids"
            ) from None
    return found


def _other_kind(endpoint: Endpoint, what: str, instead: str) -> ApiError:
    return ApiError(f"endpoint {endpoint.name} {what}", fix=f"ask it with {instead}")


def _encode(value: Any, what: str) -> bytes:
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError) as error:
        raise SerializationError(
            what, what, str(error), fix="pass numbers, text, lists and dicts: it takes JSON"
        ) from None
