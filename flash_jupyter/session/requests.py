"""A request to an endpoint that is no job: metered, tried again where its endpoint has gone, waited for.

Who stops waiting drops it; the platform has no way to tell its worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from flash_jupyter import limits
from flash_jupyter.errors import ApiError, NotFoundError
from flash_jupyter.resources.endpoint import EndpointSpec
from flash_jupyter.session.awake import awake
from flash_jupyter.session.calls import new_run
from flash_jupyter.session.cost import Rate
from flash_jupyter.session.events import Event, Notice, Phase
from flash_jupyter.session.links import Link
from flash_jupyter.session.provision import Admit
from flash_jupyter.session.session import Session
from flash_jupyter.session.show import showing
from flash_jupyter.session.submitting import Destination
from flash_jupyter.session.wait import Inbox
from flash_jupyter.settings import BackendName
from flash_jupyter.transport.balancer import Balancer
from flash_jupyter.transport.loop import LoopThread
from flash_jupyter.wire.control import Endpoint

T = TypeVar("T")
Tell = Callable[[Event], None]


async def with_balancer(
    session: Session,
    to: Destination,
    tell: Tell,
    action: Callable[[Balancer, Link, Endpoint], Awaitable[T]],
    *,
    what: str,
    timeout_s: float | None,
    backend: BackendName | None = None,
) -> T:
    """Run `action` on a load balanced endpoint, as `with_endpoint` does."""

    async def ask(link: Link, endpoint: Endpoint, _request_id: str) -> T:
        return await action(Balancer(link.http, base_of(endpoint), endpoint.name), link, endpoint)

    longest_s = min(timeout_s or limits.BALANCER_PROCESSING_S, limits.BALANCER_PROCESSING_S)
    return await with_endpoint(session, to, tell, ask, what=what, longest_s=longest_s, backend=backend)


async def with_endpoint(
    session: Session,
    to: Destination,
    tell: Tell,
    action: Callable[[Link, Endpoint, str], Awaitable[T]],
    *,
    what: str,
    longest_s: float | None,
    backend: BackendName | None = None,
) -> T:
    """Run `action` on the endpoint, which is made or looked for, and again where it has gone; its seconds are counted.

    `action` gets the id of the request in the meter too. `what` is named where it would cost too much, `longest_s` is
    the most that is counted before it runs, in seconds; `backend` is the session's where it is not said.
    """
    budget, request_id = session.budget, new_run()
    for is_last in (False, True):
        link = await open_link(session, backend or session.settings.backend)

        def admit(rate: Rate, origin: str = link.backend.key_origin) -> None:
            if text := budget.admit(request_id, what, rate, timeout_s=longest_s, key_origin=origin):
                tell(Notice(text))

        try:
            endpoint = await budget.admitting(partial(_reach, link, to, tell, admit, moved=is_last))
            budget.meter.began(request_id, endpoint.id)  # which worker serves it, nobody says
            return await action(link, endpoint, request_id)
        except NotFoundError:
            budget.meter.dropped(request_id)
            if isinstance(to, EndpointSpec):
                link.provisioner.forget(to)
            if is_last:
                raise
        finally:
            budget.meter.ended(request_id)
    raise AssertionError("the last attempt returns or raises")


async def _reach(link: Link, to: Destination, tell: Tell, admit: Admit, *, moved: bool) -> Endpoint:
    """Return the endpoint, once it is admitted."""
    if isinstance(to, EndpointSpec):
        return await link.provisioner.ensure(to, lambda text: tell(Phase("provisioning", text)), admit)
    endpoint = await to.find(link, moved=moved)
    admit(await link.provisioner.rate_of_standing(endpoint))
    return endpoint


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


def wait_for_request(
    loop: LoopThread, run: Callable[[Tell], Coroutine[Any, Any, T]], emit: Tell, *, what: str = "the function"
) -> T:
    """Run a request on the loop thread and wait on this one; an interrupt drops it, and says what that means."""
    inbox: Inbox[T] = Inbox()
    future = loop.submit(run(inbox.put))
    inbox.end_with(future)
    try:
        return inbox.drain(emit).result()
    except KeyboardInterrupt:
        future.cancel()
        raise KeyboardInterrupt(_dropped(what)) from None


async def join_request(
    loop: LoopThread, run: Callable[[Tell], Coroutine[Any, Any, T]], *, what: str = "the function"
) -> T:
    """Do the same in a coroutine; its cancellation drops the request."""
    try:
        with awake():
            return await asyncio.wrap_future(loop.submit(run(showing())))
    except asyncio.CancelledError:
        raise asyncio.CancelledError(_dropped(what)) from None


def _dropped(what: str) -> str:
    return f"the request was dropped; its worker may run {what} to its end"
