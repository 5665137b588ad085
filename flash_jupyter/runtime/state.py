"""The State Manager: which endpoint serves which resource, in the manifest of the build that an environment runs.

A build may run in several environments, so each has its own map, `environments[ID][RESOURCE]`; `resources_endpoints` is
the map of whoever wrote last, for the released clients (flash-wire.md 6.2).

The platform replaces a manifest as a whole, and compares nothing (flash-wire.md 7.6). So who changes an entry looks
again after `SETTLE_S`: a write that began with an older reading has arrived by then, and where it took our entry away,
the entry is written once more. What another wrote under the same name since then stays: the last word holds.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flash_jupyter.errors import ApiError, AuthenticationError, ManifestServiceUnavailableError, NotFoundError
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Clock, Retry

T = TypeVar("T")

#: from the reading of a manifest until its change is written, for whoever writes at the same time
SETTLE_S = 1.0
#: how often an entry is written before it is said that others write all the time
WRITES = 8
#: as the released client asks (flash-wire.md 7.6); a query is repeated below this too (`transport/apps.py`)
ATTEMPTS = Retry(attempts=3, first_s=1.0, cap_s=2.0)


@dataclass(frozen=True)
class Deployed:
    """The endpoint that serves a resource; `remake` is the input that makes it anew, where a deploy left that."""

    endpoint_id: str
    url: str
    remake: Mapping[str, Any] | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return it as the map has it."""
        return {name: value for name, value in vars(self).items() if value is not None}


class StateManager:
    """Reads and changes the map of an environment; everything raises `ManifestServiceUnavailableError`."""

    def __init__(self, apps: Apps, *, clock: Clock | None = None) -> None:
        self._apps, self._clock = apps, clock or Clock()
        self._writing = asyncio.Lock()

    async def endpoints(self, environment_id: str) -> dict[str, Deployed]:
        """Return resource -> endpoint."""
        _, manifest = await self._read(environment_id)
        return read_endpoints(manifest, environment_id)

    async def update(self, environment_id: str, resource: str, deployed: Deployed | None) -> None:
        """Say which endpoint serves a resource; None: none does any more."""
        await self.update_all(environment_id, {resource: deployed})

    async def update_all(self, environment_id: str, entries: Mapping[str, Deployed | None]) -> None:
        """Say which endpoints serve these resources, all in one writing.

        Returns when the entries are there after what others wrote meanwhile.
        """
        left = dict(entries)
        for _ in range(WRITES):
            async with self._writing:
                before = await self._write(environment_id, left)
            if not before:
                return
            await self._clock.sleep(SETTLE_S)
            now = await self.endpoints(environment_id)
            left = {name: entries[name] for name, was in before.items() if now.get(name) == was}
            if not left:
                return
            await self._clock.sleep(SETTLE_S * self._clock.random())  # those who met each other part again
        names = ", ".join(sorted(left))
        raise ManifestServiceUnavailableError(
            f"the entry of {names} was overwritten {WRITES} times by others", fix="deploy again when they are done"
        )

    async def _write(self, environment_id: str, entries: Mapping[str, Deployed | None]) -> dict[str, Deployed | None]:
        """Write the entries that differ; returns what stood there."""

        async def attempt() -> dict[str, Deployed | None]:
            build, manifest = await self._ask(environment_id)
            known = read_endpoints(manifest, environment_id)
            before = {name: known.get(name) for name, deployed in entries.items() if known.get(name) != deployed}
            for name in before:
                manifest = changed(manifest, environment_id, name, entries[name])
            if before:
                await self._apps.update_manifest(build, manifest)
            return before

        return await self._bounded(environment_id, attempt)

    async def _read(self, environment_id: str) -> tuple[str, dict[str, Any]]:
        return await self._bounded(environment_id, lambda: self._ask(environment_id))

    async def _ask(self, environment_id: str) -> tuple[str, dict[str, Any]]:
        """Return the build that runs, and its manifest."""
        build = (await self._apps.environment(environment_id)).active_build_id
        if build is None:
            raise NotFoundError(f"environment {environment_id} runs no build", fix="deploy one: flash deploy send")
        return build, await self._apps.manifest(build)

    async def _bounded(self, environment_id: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try several times; setting an entry twice is the same as once."""
        number = 0
        while True:
            try:
                return await attempt()
            except ApiError as failure:
                number += 1
                if number >= ATTEMPTS.attempts or isinstance(failure, NotFoundError | AuthenticationError):
                    raise ManifestServiceUnavailableError(
                        f"the platform did not give the manifest of environment {environment_id}: {failure.message}",
                        fix=failure.fix or "try again in a minute",
                    ) from failure
            await self._clock.sleep(ATTEMPTS.pause_s(number - 1, self._clock.random()))


def read_endpoints(manifest: Mapping[str, Any], environment_id: str) -> dict[str, Deployed]:
    """Return resource -> endpoint: the environment's own entries, or those that a released client left.

    >>> manifest = {"resources_endpoints": {"ocr": "https://host/v2/ep1", "web": "https://ep2.host"}}
    >>> read_endpoints(manifest, "env")["ocr"], read_endpoints(manifest, "env")["web"].endpoint_id
    (Deployed(endpoint_id='ep1', url='https://host/v2/ep1'), 'ep2')
    >>> read_endpoints({**manifest, "environments": {"other": {}}}, "env")
    {}
    """
    environments = manifest.get("environments")
    if environments:  # then `resources_endpoints` may be those of another environment
        own = environments.get(environment_id) or {}
        return {
            name: Deployed(entry["endpoint_id"], entry["url"], entry.get("remake"))
            for name, entry in own.items()
            if entry.get("url")
        }
    released = manifest.get("resources_endpoints") or {}
    return {name: Deployed(_id_in(url), url) for name, url in released.items()}


def changed(
    manifest: Mapping[str, Any], environment_id: str, resource: str, deployed: Deployed | None
) -> dict[str, Any]:
    """Return the manifest with one entry set, or removed.

    >>> changed({}, "env", "ocr", Deployed("ep1", "u"))["environments"]
    {'env': {'ocr': {'endpoint_id': 'ep1', 'url': 'u'}}}
    """
    result = copy.deepcopy(dict(manifest))
    own = {name: entry.to_json() for name, entry in read_endpoints(manifest, environment_id).items()}
    released = dict(result.get("resources_endpoints") or {})
    before = own.pop(resource, None)
    if deployed is not None:
        own[resource] = deployed.to_json()
        released[resource] = deployed.url
    elif before is not None and released.get(resource) == before["url"]:
        del released[resource]
    result["environments"] = {**(result.get("environments") or {}), environment_id: own}
    result["resources_endpoints"] = released
    return result


def _id_in(url: str) -> str:
    """The id that an endpoint's URL has: the last word of a queue's path, the first of a load balancer's host."""
    parts = urlsplit(url)
    return parts.path.strip("/").rpartition("/")[2] or (parts.hostname or "").partition(".")[0]
