"""Orphans: endpoints of ours that have expired and have no job. Found by what the server says, removed on demand (D11).

Their labels say whose they are and when they expire, so those that another machine or a killed kernel left are found
too. What has no label of ours is never touched, nor what is in use, nor what does not say whether it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flash_jupyter.errors import ApiError
from flash_jupyter.resources.endpoint import EXPIRES, OWNER
from flash_jupyter.session.endpoints import describe_hardware, health_of
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local import local_info
from flash_jupyter.settings import Settings
from flash_jupyter.states import WorkerState
from flash_jupyter.transport.http import ONCE
from flash_jupyter.transport.loop import within
from flash_jupyter.wire.control import Endpoint

#: the look that nobody asked for gives up after this long
LOOK_S = 15.0


@dataclass(frozen=True)
class Orphan:
    """An endpoint that may go. `workers_min` are workers that cost money without a job."""

    name: str
    id: str
    backend: str
    hardware: str
    workers_min: int
    owner: str
    expired_at: str

    def describe(self) -> str:
        """Say in one line what may go.

        >>> Orphan("trainer", "e1", "runpod", "ADA_24", 2, "ann", "2026-11-22T10:00:00Z").describe()
        'trainer (e1): ADA_24, expired 2026-11-22T10:00:00Z, 2 waiting workers'
        """
        waiting = f", {self.workers_min} waiting workers" if self.workers_min else ""
        return f"{self.name} ({self.id}): {self.hardware}, expired {self.expired_at}{waiting}"

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


@dataclass(frozen=True)
class Swept:
    """What a sweep did: names that a listing no longer shows, and those that had got a job meanwhile."""

    deleted: list[str]
    kept: list[str]

    def describe(self) -> str:
        """Say what went and what stayed.

        >>> Swept(["a"], ["b"]).describe()
        'deleted: a; kept, as it has a job now: b'
        >>> Swept([], []).describe()
        'there are no orphans'
        """
        kept = f"kept, as it has a job now: {', '.join(self.kept)}" if self.kept else ""
        deleted = f"deleted: {', '.join(self.deleted)}" if self.deleted else ""
        return "; ".join(filter(None, [deleted, kept])) or "there are no orphans"


async def find_orphans(link: Link, owner: str) -> list[Orphan]:
    """Return the orphans of an owner, oldest first: one listing, and one question for each that has expired."""
    found = await _orphans(link, owner)
    return [_orphan(endpoint, link.backend.name) for endpoint in found]


async def remove_orphans(link: Link, owner: str, chosen: Iterable[str] | None = None) -> Swept:
    """Delete the orphans with these ids (None: all), each looked at once more just before.

    Raises `ApiError` where one is still listed afterwards.
    """
    wanted = None if chosen is None else set(chosen)
    orphans = [e for e in await _orphans(link, owner) if wanted is None or e.id in wanted]
    idle = [endpoint for endpoint in orphans if await _is_unused(link, endpoint)]
    kept = [endpoint.name for endpoint in orphans if endpoint not in idle]
    return Swept(await link.provisioner.undeploy(idle) if idle else [], kept)


def look(settings: Settings) -> list[Orphan]:
    """Look for orphans with a connection of its own, from any thread; nothing is started for it.

    Raises `ApiError`, `SettingsError`, and `asyncio.TimeoutError` after `LOOK_S`.
    """
    if settings.backend == "local" and local_info(settings) is None:
        return []

    async def ask() -> list[Orphan]:
        links = Links(settings)
        try:
            link = links.open(settings.backend)  # it blocks, and nothing else is on this loop
            return await within(find_orphans(link, settings.owner), LOOK_S)
        finally:
            await links.aclose()

    return asyncio.run(ask())


def offer(orphans: list[Orphan]) -> str:
    """Say in one line what could go, and how; empty where there is nothing.

    >>> offer([Orphan("trainer", "e1", "runpod", "ADA_24", 0, "ann", "2026-11-22T10:00:00Z")])
    'trainer has expired and has no job: remove it with %flash sweep --yes (in a terminal: flash sweep)'
    """
    if not orphans:
        return ""
    names = ", ".join(orphan.name for orphan in orphans[:3])
    more = f" and {len(orphans) - 3} more" if len(orphans) > 3 else ""
    verbs, them = ("has expired and has", "it") if len(orphans) == 1 else ("have expired and have", "them")
    costly = sum(orphan.workers_min for orphan in orphans)
    waiting = f", but {costly} waiting worker{'s' if costly > 1 else ''}" if costly else ""
    return f"{names}{more} {verbs} no job{waiting}: remove {them} with %flash sweep --yes (in a terminal: flash sweep)"


async def _orphans(link: Link, owner: str) -> list[Endpoint]:
    endpoints = await link.control.endpoints(retry=ONCE)
    now = link.http.server_now()
    expired = [e for e in endpoints if e.env.get(OWNER) == owner and has_expired(e, now)]
    expired.sort(key=lambda endpoint: (endpoint.created_at, endpoint.id))
    unused = await asyncio.gather(*(_is_unused(link, endpoint) for endpoint in expired))
    return [endpoint for endpoint, is_unused in zip(expired, unused, strict=True) if is_unused]


def has_expired(endpoint: Endpoint, now: datetime) -> bool:
    """Whether the label says that its time is over; one that can't be read says nothing.

    >>> from datetime import timezone
    >>> now = datetime(2026, 11, 22, tzinfo=timezone.utc)
    >>> has_expired(Endpoint(id="e", name="n", env={EXPIRES: "2026-11-21T23:59:59Z"}), now)
    True
    >>> has_expired(Endpoint(id="e", name="n", env={EXPIRES: "soon"}), now)
    False
    """
    try:
        expires = datetime.strptime(endpoint.env.get(EXPIRES, ""), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return False
    return expires < now


async def _is_unused(link: Link, endpoint: Endpoint) -> bool:
    """Whether it has neither an open job nor a worker that does something; False where it does not say."""
    try:
        if endpoint.type != "QUEUE":  # requests have no queue: a worker that has one is RUNNING
            workers = await link.control.workers(endpoint.id)
            return not any(worker.status is WorkerState.RUNNING for worker in workers)
    except ApiError:
        return False
    health = await health_of(link, endpoint)
    return health is not None and not (health.jobs.in_queue or health.jobs.in_progress or health.workers.running)


def _orphan(endpoint: Endpoint, backend: str) -> Orphan:
    return Orphan(
        name=endpoint.name,
        id=endpoint.id,
        backend=backend,
        hardware=describe_hardware(endpoint),
        workers_min=int(endpoint.workers.get("min") or 0),
        owner=endpoint.env[OWNER],
        expired_at=endpoint.env[EXPIRES],
    )
