"""From a spec to an endpoint that exists: remembered, else found by name, else made. Two kernels make one (D11)."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Container, Iterable
from datetime import datetime, timezone
from pathlib import Path

from filelock import AsyncFileLock

from flash_jupyter.errors import ApiError, NotFoundError
from flash_jupyter.resources.drift import patch_body
from flash_jupyter.resources.endpoint import EndpointSpec, create_body
from flash_jupyter.transport.control import Control
from flash_jupyter.wire.control import Endpoint, RequestUrls


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


class Provisioner:
    """Endpoints of one backend. `locks` is a folder that all kernels of this machine share."""

    def __init__(self, control: Control, locks: Path, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._control, self._locks, self._now = control, locks, now
        self._known: dict[EndpointSpec, Endpoint] = {}

    def known(self, spec: EndpointSpec) -> Endpoint | None:
        """Return the endpoint if this process has seen it; no I/O."""
        return self._known.get(spec)

    def forget(self, spec: EndpointSpec) -> None:
        """The endpoint answered 404: look for it, or make it, the next time."""
        self._known.pop(spec, None)

    async def ensure(self, spec: EndpointSpec, say: Callable[[str], None]) -> Endpoint:
        """Return the endpoint of `spec`; `say` is told what takes time.

        Raises `OptionError` where an endpoint with this name is of another kind, and `ApiError`.
        """
        if known := self.known(spec):
            return known
        async with AsyncFileLock(self._lock_path(spec)):
            found = oldest(spec, await self._control.endpoints())
            endpoint = await self._adapt(spec, found, say) if found else await self._make(spec, say)
        self._known[spec] = endpoint
        return endpoint

    async def undeploy(self, endpoints: Iterable[Endpoint]) -> list[str]:
        """Delete endpoints; return the names of those that a listing no longer shows."""
        wanted = {endpoint.id: endpoint.name for endpoint in endpoints}
        for endpoint_id in wanted:
            await self._delete(endpoint_id)
        self._drop(wanted)
        left = {endpoint.id for endpoint in await self._control.endpoints()}
        return sorted(name for endpoint_id, name in wanted.items() if endpoint_id not in left)

    async def _adapt(self, spec: EndpointSpec, endpoint: Endpoint, say: Callable[[str], None]) -> Endpoint:
        """Change what the user asked for and the endpoint is not; what was not said stays."""
        changes = patch_body(spec, endpoint.model_dump(by_alias=True))
        if not changes:
            return endpoint
        say(f"changing {', '.join(changes)} of endpoint {endpoint.name}")
        # whoever asked for something else must ask again
        self._drop({endpoint.id})
        return await self._control.patch(endpoint.id, changes)

    async def _make(self, spec: EndpointSpec, say: Callable[[str], None]) -> Endpoint:
        say(f"making endpoint {spec.name}")
        made = await self._control.create(create_body(spec, now=self._now()))
        # another machine may have made one meanwhile, which no lock here prevents: the oldest wins
        first = oldest(spec, await self._control.endpoints()) or made
        if first.id != made.id:
            await self._delete(made.id)
        return first

    def _drop(self, endpoint_ids: Container[str]) -> None:
        self._known = {spec: known for spec, known in self._known.items() if known.id not in endpoint_ids}

    async def _delete(self, endpoint_id: str) -> None:
        with contextlib.suppress(NotFoundError):  # somebody else was quicker
            await self._control.delete(endpoint_id)

    def _lock_path(self, spec: EndpointSpec) -> Path:
        self._locks.mkdir(parents=True, exist_ok=True)
        return self._locks / f"{hashlib.sha256(spec.name.encode()).hexdigest()[:16]}.lock"


def oldest(spec: EndpointSpec, endpoints: Iterable[Endpoint]) -> Endpoint | None:
    """Return the endpoint that was made first among those that `spec` means."""
    mine = [endpoint for endpoint in endpoints if spec.matches(endpoint.name, endpoint.env)]
    return min(mine, key=lambda endpoint: (endpoint.created_at, endpoint.id), default=None)


def request_urls(endpoint: Endpoint) -> RequestUrls:
    """Return where a queue endpoint takes jobs, or raise `ApiError` for one that is no queue."""
    if endpoint.type != "QUEUE" or not endpoint.request_urls:
        raise ApiError(f"endpoint {endpoint.name} is not a queue endpoint", fix="choose another name= for this cell")
    return RequestUrls.model_validate(endpoint.request_urls)
