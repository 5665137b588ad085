"""Where the functions of a project run and what that costs; and their endpoints made before the first request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flash_jupyter.develop.discover import Served
from flash_jupyter.resources.endpoint import EndpointSpec, hardware
from flash_jupyter.session.calls import new_run
from flash_jupyter.session.cost import Prices, Rate
from flash_jupyter.session.endpoints import describe_hardware
from flash_jupyter.session.links import Link
from flash_jupyter.session.session import Session
from flash_jupyter.wire.control import Endpoint

Specs = Mapping[str, EndpointSpec]
#: what the limit on money may count for an endpoint that is made without a job, in seconds
NO_JOB_S = 1.0


def specs_of(served: Iterable[Served], session: Session) -> dict[str, EndpointSpec]:
    """Return the endpoint of each resource, by the resource's name."""
    return {each.resource: each.target.spec(session) for each in served}


def places_of(specs: Specs, session: Session) -> dict[str, dict[str, Any]]:
    """Say of each resource where it runs, on what, and what a worker costs an hour, at most; None where that is free.

    Asks the catalogue for prices that our table has not, where something is charged.
    """
    backend = session.settings.backend
    prices: dict[str, float | None] = dict.fromkeys(specs)
    if backend == "runpod":
        prices = session.loop.call(_prices(specs, session.links.open(backend)))
    return {
        name: {
            "endpoint": spec.name,
            "hardware": describe_hardware(Endpoint(id="", name=spec.name, **hardware(spec))),
            "workers_min": spec.workers_min,
            "workers_max": spec.workers_max,
            "usd_per_hour": prices[name],
        }
        for name, spec in specs.items()
    }


async def _prices(specs: Specs, link: Link) -> dict[str, float | None]:
    prices = Prices(link.control.catalog)
    return {name: await prices.usd_per_hour(hardware(spec)) for name, spec in specs.items()}


def provision(specs: Specs, session: Session, say: Callable[[str], None]) -> None:
    """Make sure that all endpoints are there, several at once; `say` is told what takes time or costs money.

    Raises what the first one that fails raises: `CostLimitError`, `NoStockError` and other `ApiError`s.
    """
    link = session.links.open(session.settings.backend)

    async def ensure_all() -> None:
        await asyncio.gather(*(_ensure(spec, session, link, say) for spec in dict.fromkeys(specs.values())))

    session.loop.call(ensure_all())


async def _ensure(spec: EndpointSpec, session: Session, link: Link, say: Callable[[str], None]) -> None:
    request_id = new_run()

    def admit(rate: Rate) -> None:
        origin = link.backend.key_origin
        if text := session.budget.admit(request_id, spec.name, rate, timeout_s=NO_JOB_S, key_origin=origin):
            say(text)

    try:
        await link.provisioner.ensure(spec, say, admit)
    finally:
        session.budget.meter.ended(request_id)
