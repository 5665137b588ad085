"""A call of a load balanced endpoint, or a cell with `via=lb`: no queue and no job, a request and its answer.

A live endpoint runs our driver behind `POST /execute`; another one has routes of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from flash_jupyter.capsule import Sender
from flash_jupyter.errors import ProtocolError
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.calls import CallRequest, new_run, prepare_call
from flash_jupyter.session.cost import sent_to
from flash_jupyter.session.events import Event, EventAssembler, Notice, Phase
from flash_jupyter.session.links import Link
from flash_jupyter.session.prepare import CellRequest, Prepared
from flash_jupyter.session.requests import Tell, wait_for_request, with_balancer
from flash_jupyter.session.results import CellOutcome, kept_events, read_answer, read_order, take, why_nothing_ran
from flash_jupyter.session.running import FRESH_WORKERS
from flash_jupyter.session.session import Session
from flash_jupyter.session.shipping import read_response
from flash_jupyter.session.started import read_result
from flash_jupyter.states import JobState
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.wire.control import Endpoint


def execute(session: Session, spec: EndpointSpec, request: CallRequest, tell: Tell) -> Callable[[], Awaitable[Any]]:
    """Prepare a call on this thread; what is returned runs it on the loop thread, and gives what reads the value.

    Raises what `prepare_call` raises.
    """
    prepared = prepare_call(request, spec, run=new_run())
    for warning in prepared.warnings:
        tell(Notice(warning))

    async def run() -> Callable[[], Any]:
        work = partial(post_capsule, prepared=prepared, tell=tell)
        blob = await with_balancer(session, spec, tell, work, what=request.label, timeout_s=prepared.timeout_s)
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
        return partial(read_json, await with_balancer(session, spec, tell, request, what=what, timeout_s=timeout_s))

    return run


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

    async def run(tell: Tell) -> bytes:
        async def post(balancer: Balancer, link: Link, endpoint: Endpoint) -> bytes:
            tell(sent_to(spec, link.provisioner.rate(spec), backend, ""))
            return await post_capsule(balancer, link, endpoint, prepared=prepared, tell=tell)

        timeout_s = prepared.timeout_s
        return await with_balancer(session, spec, tell, post, what="the cell", timeout_s=timeout_s, backend=backend)

    blob = wait_for_request(session.loop, run, emit, what="the cell")
    outcome = CellOutcome("", JobState.COMPLETED, backend, spec.name, warnings=list(prepared.warnings))
    take(read_answer(prepared.sender, blob), outcome, out=request.options.out, emit=emit)
    outcome.seconds = time.perf_counter() - started
    return outcome
