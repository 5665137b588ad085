"""The state of an environment as its mothership sees it: what the bundle wants, and what the platform has.

What is looked at costs nothing: the environment's list, the map of its build, and the health of queues. A load balancer
is not asked, because that would start a worker.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from flash_jupyter.errors import ApiError, FlashError, ManifestServiceUnavailableError
from flash_jupyter.runtime.state import Deployed, StateManager, read_endpoints
from flash_jupyter.runtime.wrapper import queue_urls
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import ONCE, Http
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.apps import Environment

READY, IDLE, MISSING, UNMAPPED = "ready", "no worker", "missing", "not in the map"


@dataclass(frozen=True)
class Child:
    """An endpoint of the environment; `workers` and `jobs` are counts by state, where it is a queue that answered."""

    resource: str
    kind: str
    endpoint_id: str | None
    url: str | None
    state: str
    workers: Mapping[str, int] = field(default_factory=dict)
    jobs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a mothership says. `drift` are the differences in plain words, `wrong` what could not be looked at."""

    app: str
    environment: str
    children: tuple[Child, ...] = ()
    drift: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    wrong: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the document of `/`."""
        return asdict(self)


@dataclass(frozen=True)
class Actual:
    """What the platform has: the environment's endpoints by name, the map, the fingerprint of the build that runs."""

    endpoints: Mapping[str, str]
    mapped: Mapping[str, Deployed]
    fingerprint: str


def drift_of(manifest: Mapping[str, Any], actual: Actual) -> list[str]:
    """Say in what the platform differs from the manifest of this bundle. Pure.

    >>> manifest = {"source_fingerprint": "a", "resources": {"ocr": {}}}
    >>> drift_of(manifest, Actual({}, {"ocr": Deployed("e1", "u")}, "a"))
    ['ocr has no endpoint']
    """
    found = []
    if actual.fingerprint != manifest.get("source_fingerprint"):
        found.append("the environment runs another build than this worker")
    for name in manifest.get("resources", {}):
        listed, mapped = actual.endpoints.get(name), actual.mapped.get(name)
        if listed is None:
            found.append(f"{name} has no endpoint")
        elif mapped is None:
            found.append(f"the map lacks {name}, which is endpoint {listed}")
        elif mapped.endpoint_id != listed:
            found.append(f"the map says {mapped.endpoint_id} for {name}, and it is {listed}")
    extra = sorted(set(actual.endpoints) - set(manifest.get("resources", {})))
    return [*found, *(f"endpoint {name} is of no resource of this build" for name in extra)]


def repairs_of(manifest: Mapping[str, Any], actual: Actual) -> dict[str, str]:
    """Return resource -> the endpoint that the map should have. Pure.

    >>> manifest = {"source_fingerprint": "a", "resources": {"ocr": {}, "web": {}}}
    >>> repairs_of(manifest, Actual({"ocr": "e2"}, {"ocr": Deployed("e1", "u")}, "a"))
    {'ocr': 'e2'}
    """
    if actual.fingerprint != manifest.get("source_fingerprint"):
        return {}  # another build runs: it has a mothership of its own
    return {
        name: listed
        for name, listed in actual.endpoints.items()
        if name in manifest.get("resources", {})
        and (name not in actual.mapped or actual.mapped[name].endpoint_id != listed)
    }


def losses_of(manifest: Mapping[str, Any], actual: Actual) -> dict[str, Deployed]:
    """Return resource -> what the map says, of endpoints that are gone and can be made anew. Pure.

    >>> manifest = {"source_fingerprint": "a", "resources": {"ocr": {}, "web": {}}}
    >>> ocr, web = Deployed("e1", "u", {"name": "ocr"}), Deployed("e2", "u")
    >>> list(losses_of(manifest, Actual({}, {"ocr": ocr, "web": web}, "a")))
    ['ocr']
    """
    if actual.fingerprint != manifest.get("source_fingerprint"):
        return {}
    known = ((name, actual.mapped.get(name)) for name in manifest.get("resources", {}) if name not in actual.endpoints)
    return {name: mapped for name, mapped in known if mapped is not None and mapped.remake}


class Family:
    """The children of one environment, looked at with the worker's own key."""

    def __init__(self, manifest: Mapping[str, Any], environment_id: str, http: Http) -> None:
        self._manifest, self._environment_id, self._http = manifest, environment_id, http
        self._apps, self._control = Apps(http), Control(http)

    async def look(self, *, repair: bool = False) -> Report:
        """Look at everything once; what can't be seen is said in the report, and nothing is raised.

        With `repair` endpoints that are gone are made anew, where the deploy said of what, and the map is corrected
        where it differs: that needs a key that may write over GraphQL.
        """
        try:
            actual = await self._actual()
        except FlashError as failure:
            return Report("", "", wrong=failure.message)
        repaired, wrong = await self._repair(actual) if repair else ([], "")
        if repaired:
            try:
                actual = await self._actual()
            except FlashError as failure:
                wrong = wrong or failure.message
        children = await asyncio.gather(*(self._child(name, actual) for name in self._manifest.get("resources", {})))
        return Report("", "", tuple(children), tuple(drift_of(self._manifest, actual)), tuple(repaired), wrong)

    async def _actual(self) -> Actual:
        environment = await self._apps.environment(self._environment_id)
        manifest: Mapping[str, Any] = {}
        if environment.active_build_id is not None:
            manifest = await self._apps.manifest(environment.active_build_id)
        return Actual(
            _by_name(environment),
            read_endpoints(manifest, self._environment_id),
            str(manifest.get("source_fingerprint", "")),
        )

    async def _repair(self, actual: Actual) -> tuple[list[str], str]:
        state, done = StateManager(self._apps), list[str]()
        what = "the map is not repaired"
        try:
            for name, endpoint_id in repairs_of(self._manifest, actual).items():
                known = actual.mapped.get(name)
                await self._map(state, name, endpoint_id, known.remake if known else None)
                done.append(f"the map says {endpoint_id} for {name} now")
            for name, lost in losses_of(self._manifest, actual).items():
                what = f"{name} is not made anew"
                endpoint_id = await self._make(name, lost.remake or {})
                done.append(f"{name} had no endpoint and was made anew: {endpoint_id}")
                what = f"the map lacks {name}"
                await self._map(state, name, endpoint_id, lost.remake)
        except (ApiError, ManifestServiceUnavailableError) as failure:
            return done, f"{what}: {failure.message}"
        return done, ""

    async def _map(self, state: StateManager, name: str, endpoint_id: str, remake: Mapping[str, Any] | None) -> None:
        url = (await self._control.get(endpoint_id)).base_url
        await state.update(self._environment_id, name, Deployed(endpoint_id, url, remake))

    async def _make(self, name: str, remake: Mapping[str, Any]) -> str:
        """Make an endpoint and return its id; where another worker of ours, or a deploy, did the same, the older's."""
        template = {**remake["template"], "name": f"{name}__{self._environment_id}__{secrets.token_hex(8)}"}
        made = (await self._apps.save_endpoint({**remake, "template": template})).id
        oldest = _by_name(await self._apps.environment(self._environment_id)).get(name, made)
        if oldest != made:
            await self._apps.delete_endpoint(made)
        return oldest

    async def _child(self, name: str, actual: Actual) -> Child:
        entry = self._manifest["resources"][name]
        kind = "load balancer" if entry.get("is_load_balanced") else "queue"
        endpoint_id, mapped = actual.endpoints.get(name), actual.mapped.get(name)
        if endpoint_id is None:
            return Child(name, kind, None, None, MISSING)
        if mapped is None or mapped.endpoint_id != endpoint_id:
            return Child(name, kind, endpoint_id, None, UNMAPPED)
        if kind != "queue":
            return Child(name, kind, endpoint_id, mapped.url, "listed")
        try:
            health = await Queue(self._http, queue_urls(mapped)).health(retry=ONCE)
        except ApiError as failure:
            return Child(name, kind, endpoint_id, mapped.url, failure.message)
        workers, jobs = health.workers, health.jobs
        state = READY if workers.idle or workers.ready or workers.running else IDLE
        counts = {"in_queue": jobs.in_queue, "in_progress": jobs.in_progress, "failed": jobs.failed}
        return Child(name, kind, endpoint_id, mapped.url, state, workers.model_dump(), counts)


def _by_name(environment: Environment) -> dict[str, str]:
    """A deployed endpoint is called as its resource; released clients add to a name (flash-wire.md 2.2)."""
    return {each.name.removeprefix("live-").removesuffix("-fb"): each.id for each in _oldest_last(environment)}


def _oldest_last(environment: Environment) -> Iterable[Any]:
    return reversed(environment.endpoints)
