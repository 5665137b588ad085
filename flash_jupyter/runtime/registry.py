"""Which endpoint serves a function: the bundle's manifest says the resource, the State Manager the endpoint.

What the manager said is kept for `TTL_S`, and longer where it does not answer: calls go on with the last known map.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from flash_jupyter.errors import ManifestError, ManifestServiceUnavailableError
from flash_jupyter.runtime.state import Deployed, read_endpoints
from flash_jupyter.transport.http import Clock

#: as in the released clients (flash-wire.md 7.7)
TTL_S = 300.0
#: so long a call waits for a newer map where it has one already
PATIENCE_S = 5.0
#: a manager that did not answer is left alone for so long
AGAIN_S = 30.0

#: asks the State Manager; raises `ManifestServiceUnavailableError`
Source = Callable[[], Awaitable[Mapping[str, Deployed]]]


class ServiceRegistry:
    """The map of one environment; lives on one event loop."""

    def __init__(
        self, manifest: Mapping[str, Any], environment_id: str, source: Source, *, clock: Clock | None = None
    ) -> None:
        self._source, self._clock = source, clock or Clock()
        self._map: dict[str, Deployed] = read_endpoints(manifest, environment_id)
        self._fresh_until = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._failure: ManifestServiceUnavailableError | None = None

    async def endpoint_of(self, resource: str) -> Deployed:
        """Return the endpoint of a resource.

        Raises `ManifestServiceUnavailableError` where the manager is away and nothing is known from before, and
        `ManifestError` where it answers, and knows of none.
        """
        if self._clock.monotonic() >= self._fresh_until or (resource not in self._map and not self._failure):
            asking = self._ask()
            await asyncio.wait([asking], timeout=PATIENCE_S if resource in self._map else None)
        if found := self._map.get(resource):
            return found
        if self._failure is not None:
            raise self._failure
        raise ManifestError(
            f"no endpoint of this environment serves the resource {resource}", fix="deploy again: flash deploy send"
        )

    async def moved(self, resource: str, gone: Deployed) -> Deployed | None:
        """Ask whether an endpoint that is gone has a successor; None where none is known."""
        if self._map.get(resource) == gone:
            await asyncio.wait([self._ask()])
        found = self._map.get(resource)
        return found if found != gone else None

    def _ask(self) -> asyncio.Task[None]:
        """Ask the manager; who comes meanwhile waits for the same answer."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._refresh())
        return self._asking

    async def _refresh(self) -> None:
        try:
            found = await self._source()
            self._map, self._failure = dict(found), None
            self._fresh_until = self._clock.monotonic() + TTL_S
        except ManifestServiceUnavailableError as failure:
            self._failure = failure
            self._fresh_until = self._clock.monotonic() + AGAIN_S
