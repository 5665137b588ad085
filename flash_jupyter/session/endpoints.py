"""The endpoints of one backend, as a listing shows them: the control plane says which, the data plane what runs.

Whose they are say their labels; which notebook used one is only in our store of jobs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flash_jupyter.errors import ApiError, OptionError
from flash_jupyter.quantities import read_time
from flash_jupyter.resources.endpoint import CREATED, EXPIRES, OWNER
from flash_jupyter.resources.hardware import POOLS
from flash_jupyter.session.cost import worker_usd_per_hour
from flash_jupyter.session.links import Link
from flash_jupyter.session.provision import request_urls
from flash_jupyter.session.records import JobRecord
from flash_jupyter.transport.http import Retry
from flash_jupyter.transport.queue import Queue
from flash_jupyter.transport.rest import CONTROL_RETRY
from flash_jupyter.wire.control import Endpoint
from flash_jupyter.wire.jobs import Health


@dataclass(frozen=True)
class EndpointView:
    """One line of a listing. `state`, `workers` and `jobs` are None where the endpoint is no queue, or did not say.

    `usd_per_hour` is what one of its workers costs while it runs, at most; None where nothing is billed or documented.
    """

    name: str
    id: str
    backend: str
    hardware: str
    workers: str | None
    jobs: str | None
    owner: str
    created_at: str
    expires_at: str
    state: str | None = None
    usd_per_hour: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


@dataclass(frozen=True)
class Sight:
    """An endpoint as both planes show it; `health` is None where it is no queue, or did not say."""

    endpoint: Endpoint
    health: Health | None


async def look_at_endpoints(link: Link, *, retry: Retry = CONTROL_RETRY) -> list[Sight]:
    """Return all endpoints, oldest first; one control plane call, and one `/health` an endpoint."""
    endpoints = sorted(await link.control.endpoints(retry=retry), key=lambda endpoint: endpoint.created_at)
    healths = await asyncio.gather(*(health_of(link, endpoint) for endpoint in endpoints))
    return [Sight(endpoint, health) for endpoint, health in zip(endpoints, healths, strict=True)]


async def list_endpoints(link: Link) -> list[EndpointView]:
    """Return all endpoints as a listing shows them, oldest first."""
    seen = await look_at_endpoints(link)
    return [endpoint_view(each.endpoint, link.backend.name, each.health) for each in seen]


async def undeploy(link: Link, name: str) -> list[str]:
    """Delete the endpoints with this name or id; return the names that a listing no longer shows."""
    endpoints = await link.control.endpoints()
    chosen = [endpoint for endpoint in endpoints if name in (endpoint.name, endpoint.id)]
    if not chosen:
        known = ", ".join(sorted({endpoint.name for endpoint in endpoints})) or "there are none"
        raise OptionError(f"there is no endpoint {name}", fix=f"choose one of: {known}")
    return await link.provisioner.undeploy(chosen)


async def undeploy_all(link: Link, owner: str) -> list[str]:
    """Delete all endpoints of an owner, by their labels; return the names that a listing no longer shows."""
    endpoints = await link.control.endpoints()
    return await link.provisioner.undeploy([e for e in endpoints if e.env.get(OWNER) == owner])


async def undeploy_ids(link: Link, ids: Collection[str]) -> list[str]:
    """Delete the endpoints with these ids; return the names that a listing no longer shows."""
    return await link.provisioner.undeploy([e for e in await link.control.endpoints() if e.id in ids])


async def purge_queue(link: Link, endpoint_id: str) -> int:
    """Take all waiting jobs out of an endpoint's queue, and return how many; those that run go on."""
    endpoint = await link.control.get(endpoint_id)
    if endpoint.type != "QUEUE":
        raise OptionError(f"endpoint {endpoint.name} has no queue", fix="only queue endpoints can be purged")
    return await Queue(link.http, request_urls(endpoint)).purge()


def endpoint_view(endpoint: Endpoint, backend: str, health: Health | None) -> EndpointView:
    """Make the line of one endpoint."""
    return EndpointView(
        name=endpoint.name,
        id=endpoint.id,
        backend=backend,
        hardware=describe_hardware(endpoint),
        workers=_counts(health.workers.model_dump(exclude={"ready"})) if health else None,
        jobs=_counts({"queued": health.jobs.in_queue, "running": health.jobs.in_progress}) if health else None,
        owner=endpoint.env.get(OWNER, ""),
        created_at=endpoint.env.get(CREATED, endpoint.created_at),
        expires_at=endpoint.env.get(EXPIRES, ""),
        state=describe_state(health) if health else None,
        usd_per_hour=worker_usd_per_hour(endpoint) if backend == "runpod" else None,
    )


def describe_state(health: Health) -> str:
    """Say in a word or two what an endpoint is doing.

    >>> describe_state(Health.model_validate({"jobs": {"inQueue": 1}, "workers": {"initializing": 1}}))
    'starting'
    >>> describe_state(Health())
    'asleep'
    """
    workers, jobs = health.workers, health.jobs
    states = {
        "running": jobs.in_progress or workers.running,
        "unhealthy": workers.unhealthy,
        "starting": workers.initializing,
        "ready": workers.idle,
        "no capacity": workers.throttled,
        "queued": jobs.in_queue,
    }
    return next((word for word, count in states.items() if count), "asleep")


def describe_hardware(endpoint: Endpoint) -> str:
    """Say what an endpoint runs on.

    >>> describe_hardware(Endpoint(id="e", name="n", gpu={"pools": ["ADA_24"], "count": 2}))
    '2 x ADA_24'
    >>> describe_hardware(Endpoint(id="e", name="n", gpu={"pools": list(POOLS)}))
    'any GPU'
    """
    if endpoint.cpu:
        return ", ".join(f"{cpu.get('id')} {cpu.get('vcpuCount')} vCPU" for cpu in endpoint.cpu)
    gpu = endpoint.gpu or {}
    pools: list[str] = gpu.get("pools") or []
    shown = ", ".join(pools[:3]) + (f" and {len(pools) - 3} more" if len(pools) > 3 else "")
    shown = "any GPU" if set(pools) >= set(POOLS) else shown
    return f"{gpu['count']} x {shown}" if gpu.get("count", 1) > 1 else shown


async def health_of(link: Link, endpoint: Endpoint) -> Health | None:
    """Return what an endpoint's queue says of itself; None where it has none, or does not answer."""
    try:
        return await Queue(link.http, request_urls(endpoint)).health()
    except ApiError:
        return None


def _counts(numbers: dict[str, int]) -> str:
    """Name what is not zero.

    >>> _counts({"idle": 1, "running": 0}), _counts({"queued": 0})
    ('1 idle', '0')
    """
    return ", ".join(f"{number} {what}" for what, number in numbers.items() if number) or "0"


OURS, ORPHAN, OTHERS = "ours", "orphan", "others"


@dataclass(frozen=True)
class EndpointEntry:
    """An endpoint as a listing shows it; `notebook` and `last_job_at` are of the newest job that this user had on it.

    `whose` is `ours`, `orphan` (labelled, past its time to live, and without a job), or `others`.
    """

    view: EndpointView
    whose: str
    notebook: str = ""
    last_job_at: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return {
            **self.view.to_json(),
            "whose": self.whose,
            "notebook": self.notebook,
            "last_job_at": self.last_job_at,
        }


@dataclass(frozen=True)
class Overview:
    """What the panel shows: `status` as `Session.status` has it, endpoints oldest first, jobs newest first."""

    status: dict[str, Any]
    endpoints: tuple[EndpointEntry, ...]
    jobs: tuple[JobRecord, ...]
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return it as the views take it."""
        return {
            **self.status,
            "at": self.at.isoformat(),
            "endpoints": [entry.to_json() for entry in self.endpoints],
            "jobs": [job.to_json() for job in self.jobs],
        }


def entries(
    views: Iterable[EndpointView], jobs: Iterable[JobRecord], *, owner: str, now: datetime
) -> tuple[EndpointEntry, ...]:
    """Join endpoints with jobs, which come newest first."""
    newest: dict[str, JobRecord] = {}
    open_on: set[str] = set()
    for job in jobs:
        if job.endpoint_id:
            newest.setdefault(job.endpoint_id, job)
            if not job.state.is_final:
                open_on.add(job.endpoint_id)
    return tuple(_entry(view, newest.get(view.id), view.id in open_on, owner, now) for view in views)


def _entry(view: EndpointView, job: JobRecord | None, has_open_job: bool, owner: str, now: datetime) -> EndpointEntry:
    whose = OURS if view.owner and view.owner == owner else OTHERS
    if is_orphan(view, now) and not has_open_job:
        whose = ORPHAN
    return EndpointEntry(view, whose, job.notebook if job else "", job.created_at if job else "")


def is_orphan(view: EndpointView, now: datetime) -> bool:
    """Whether its time to live is over and it says that nothing is going on; one without our labels never is."""
    expires_at = read_time(view.expires_at)
    return expires_at is not None and expires_at <= now and view.jobs == "0" and view.state != "running"
