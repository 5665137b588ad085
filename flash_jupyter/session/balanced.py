"""A cell on a load balanced endpoint (`via=lb`): a request and its answer, no queue and no job (session/routes.py)."""

from __future__ import annotations

import time
from collections.abc import Callable

from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.events import Event, Phase
from flash_jupyter.session.facts import sent_to
from flash_jupyter.session.links import Link
from flash_jupyter.session.prepare import CellRequest, Prepared
from flash_jupyter.session.results import CellOutcome, read_answer, take
from flash_jupyter.session.routes import post_capsule, with_endpoint
from flash_jupyter.session.session import Session
from flash_jupyter.session.wait import Inbox
from flash_jupyter.settings import BackendName
from flash_jupyter.states import JobState
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.wire.control import Endpoint


def run_balanced_cell(session: Session, request: CellRequest, emit: Callable[[Event], None]) -> CellOutcome:
    """Run a cell to its end, as `Session.run_cell` does; its output comes with the answer.

    An interrupt drops the request; the platform has no way to tell the worker.
    """
    started = time.perf_counter()
    emit(Phase("preflight"))
    spec, prepared = session.prepare(request, emit)
    backend = session.backend_of(request.options)
    inbox: Inbox[bytes] = Inbox()
    future = session.loop.submit(_send(session, spec, prepared, backend, inbox.put))
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


async def _send(
    session: Session, spec: EndpointSpec, prepared: Prepared, backend: BackendName, tell: Callable[[Event], None]
) -> bytes:
    async def send(balancer: Balancer, link: Link, endpoint: Endpoint) -> bytes:
        tell(sent_to(spec, link.provisioner.rate(spec), backend, ""))
        return await post_capsule(balancer, link, endpoint, prepared=prepared, tell=tell)

    return await with_endpoint(
        session, spec, tell, send, what="the cell", timeout_s=prepared.timeout_s, backend=backend
    )
