"""A call of a load balanced endpoint, or a cell with `via=lb`: no queue and no job, a request and its answer.

A live endpoint runs our driver behind `POST /execute`; another one has routes of its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from flash_jupyter import limits
from flash_jupyter.capsule import Sender
from flash_jupyter.errors import ApiError, NotFoundError, ProtocolError
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.calls import CallRequest, new_run, prepare_call
from flash_jupyter.session.cost import Rate, sent_to
from flash_jupyter.session.events import Event, EventAssembler, Notice, Phase
from flash_jupyter.session.links import Link
from flash_jupyter.session.prepare import CellRequest, Prepared
from flash_jupyter.session.results import CellOutcome, kept_events, read_answer, read_order, take, why_nothing_ran
from flash_jupyter.session.running import FRESH_WORKERS
from flash_jupyter.session.session import Session
from flash_jupyter.session.shipping import read_response
from flash_jupyter.session.started import read_result
from flash_jupyter.session.wait import Inbox
from flash_jupyter.settings import BackendName
from flash_jupyter.states import JobState
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.wire.control import Endpoint

T = TypeVar("T")
Tell = Callable[[Event], None]


def execute(session: Session, spec: EndpointSpec, request: CallRequest, tell: Tell) -> Callable[[], Awaitable[Any]]:
    """Prepare a call on this thread; what is returned runs it on the loop thread, and gives what reads the value.

    Raises what `prepare_call` raises.
    """
    prepared = prepare_call(request, spec, run=new_run())
    for warning in prepared.warnings:
        tell(Notice(warning))

    async def run() -> Callable[[], Any]:
        work = partial(post_capsule, prepared=prepared, tell=tell)
        blob = await with_endpoint(session, spec, tell, work, what=request.label, timeout_s=prepared.timeout_s)
        return partial(_value, prepared.sender, blob)

    return run


def send(
    session: Session,
    spec: EndpointSpec,
    method: str,
    path: str,
    *,
    query: Mapping[str, Any],
    content: bytes | None,
    timeout_s: float | None,
    tell: Tell,
) -> Callable[[], Awaitable[Any]]:
    """Make a request to a route of the image; what is returned runs it, and gives what reads the value."""

    async def request(balancer: Balancer, _link: Link, _endpoint: Endpoint) -> bytes:
        answer = await balancer.request(method, path, query=query, content=content, timeout_s=timeout_s)
        return answer.content

    async def run() -> Callable[[], Any]:
        what = f"{method} {path}"
        return partial(read_json, await with_endpoint(session, spec, tell, request, what=what, timeout_s=timeout_s))

    return run


async def with_endpoint(
    session: Session,
    spec: EndpointSpec,
    tell: Tell,
    action: Callable[[Balancer, Link, Endpoint], Awaitable[T]],
    *,
    what: str,
    timeout_s: float | None,
    backend: BackendName | None = None,
) -> T:
    """Run `action` on the endpoint, which is made where it is missing, and again where it has gone.

    `what` is named where it would cost too much; `backend` is the session's where it is not said.
    """

    async def ask(link: Link, endpoint: Endpoint) -> T:
        return await action(Balancer(link.http, base_of(endpoint), endpoint.name), link, endpoint)

    longest_s = min(timeout_s or limits.BALANCER_PROCESSING_S, limits.BALANCER_PROCESSING_S)
    return await with_made(session, spec, tell, ask, what=what, longest_s=longest_s, backend=backend)


async def with_made(
    session: Session,
    spec: EndpointSpec,
    tell: Tell,
    action: Callable[[Link, Endpoint], Awaitable[T]],
    *,
    what: str,
    longest_s: float | None,
    backend: BackendName | None = None,
) -> T:
    """Do the same with an endpoint of any kind; `longest_s` is the most that is counted before it runs, in seconds."""
    budget, request_id = session.budget, new_run()
    for is_last in (False, True):
        link = await open_link(session, backend or session.settings.backend)

        def admit(rate: Rate, origin: str = link.backend.key_origin) -> None:
            if text := budget.admit(request_id, what, rate, timeout_s=longest_s, key_origin=origin):
                tell(Notice(text))

        endpoint = await link.provisioner.ensure(spec, lambda text: tell(Phase("provisioning", text)), admit)
        budget.meter.began(request_id, endpoint.id)  # which worker serves it, nobody says
        try:
            return await action(link, endpoint)
        except NotFoundError:
            link.provisioner.forget(spec)
            if is_last:
                raise
        finally:
            budget.meter.ended(request_id)
    raise AssertionError("the last attempt returns or raises")


async def post_capsule(balancer: Balancer, link: Link, endpoint: Endpoint, *, prepared: Prepared, tell: Tell) -> bytes:
    """Send the capsule until a worker ran it: again with the driver where it is missing, and to a fresh worker."""
    with_driver = endpoint.id not in link.equipped
    for _ in range(FRESH_WORKERS + 2):
        request = prepared.request(with_driver=with_driver)
        answer = await balancer.request(
            "POST", "/execute", content=json.dumps(request).encode(), timeout_s=prepared.timeout_s
        )
        blob = read_response(read_json(answer.content))
        if why_nothing_ran(read_order(blob)) is None:
            break
        with_driver = True
    link.equipped.add(endpoint.id)
    for event in EventAssembler().fill(*kept_events(blob)):
        tell(event)
    return blob


async def open_link(session: Session, name: BackendName) -> Link:
    """Return the connection to a backend, which is opened beside this loop where it is not there yet."""
    links = session.links
    link = links.known(name)
    return link if link is not None else await asyncio.get_running_loop().run_in_executor(None, links.open, name)


def base_of(endpoint: Endpoint) -> str:
    """Return the URL below which a load balancer is asked, or raise `ApiError` for what is none."""
    base = (endpoint.request_urls or {}).get("base")
    if not isinstance(base, str):
        raise ApiError(f"endpoint {endpoint.name} is no load balancer", fix="choose another name= for this one")
    return base


def _value(sender: Sender, blob: bytes) -> Any:
    outcome = read_result(sender, blob)
    if outcome.failure is not None:
        raise outcome.failure
    return outcome.value


def read_json(content: bytes) -> Any:
    """Read an answer; nothing is None. Raises `ProtocolError`."""
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        raise ProtocolError(
            f"the answer is no JSON: {content[:200].decode(errors='replace')}", fix="let the route answer with JSON"
        ) from None


def run_balanced_cell(session: Session, request: CellRequest, emit: Callable[[Event], None]) -> CellOutcome:
    """Run a cell to its end, as `Session.run_cell` does; its output comes with the answer.

    An interrupt drops the request; the platform has no way to tell the worker.
    """
    started = time.perf_counter()
    emit(Phase("preflight"))
    spec, prepared = session.prepare(request, emit)
    backend = session.backend_of(request.options)
    inbox: Inbox[bytes] = Inbox()

    async def post(balancer: Balancer, link: Link, endpoint: Endpoint) -> bytes:
        inbox.put(sent_to(spec, link.provisioner.rate(spec), backend, ""))
        return await post_capsule(balancer, link, endpoint, prepared=prepared, tell=inbox.put)

    timeout_s = prepared.timeout_s
    future = session.loop.submit(
        with_endpoint(session, spec, inbox.put, post, what="the cell", timeout_s=timeout_s, backend=backend)
    )
    inbox.end_with(future)
    try:
        blob = inbox.drain(emit).result()
    except KeyboardInterrupt:
        future.cancel()
        raise KeyboardInterrupt("the request was dropped; its worker may run the cell to its end") from None
    outcome = CellOutcome("", JobState.COMPLETED, backend, spec.name, warnings=list(prepared.warnings))
    take(read_answer(prepared.sender, blob), outcome, out=request.options.out, emit=emit)
    outcome.seconds = time.perf_counter() - started
    return outcome
