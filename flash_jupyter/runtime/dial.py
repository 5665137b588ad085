"""What a worker needs to call others, made at the first call: a loop of its own, the connections, the registry.

And how much time its job has left: what its own caller waits, and what its endpoint allows.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import Any

from flash_jupyter import limits
from flash_jupyter.errors import ManifestServiceUnavailableError
from flash_jupyter.runtime.place import Place, read_place
from flash_jupyter.runtime.registry import ServiceRegistry
from flash_jupyter.runtime.request import Call, Ended
from flash_jupyter.runtime.state import Deployed, StateManager
from flash_jupyter.runtime.wrapper import ProductionWrapper
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Http
from flash_jupyter.transport.loop import LoopThread
from flash_jupyter.worker.current import Current, current, read_manifest


class Dial:
    """Starts calls from any thread and any loop; the connections live on one loop in the background."""

    def __init__(self, manifest: Mapping[str, Any], place: Place) -> None:
        self._manifest, self._place = manifest, place
        self._loop = LoopThread("flash_jupyter calls")
        self._made: ProductionWrapper | None = None

    def left_s(self, asked_s: float | None) -> float | None:
        """Return the seconds that a call from here may take; asked on the caller's own thread."""
        return remaining_s(self._manifest, self._place.resource, asked_s=asked_s)

    def is_route(self, name: str) -> bool:
        """Whether a load balancer serves a function of this name, so that it gives its value."""
        return bool(_entry(self._manifest, name).get("http_path"))

    def start(self, call: Call, *, retries: int = 0) -> Future[Ended]:
        """Begin a call; raises `FlashError` for a worker without a key."""
        self._place.backend(f"{self._place.resource} calls {call.label} of {call.resource}")
        return self._loop.submit(self._call(call, retries))

    def _call(self, call: Call, retries: int) -> Coroutine[Any, Any, Ended]:
        async def work() -> Ended:
            wrapper = self._wrapper()
            entry = _entry(self._manifest, call.name)
            if entry.get("http_path") and call.instance is None:
                return await wrapper.route(call, (entry.get("http_method") or "POST").upper(), entry["http_path"])
            return await wrapper.run(call, retries=retries)

        return work()

    def _wrapper(self) -> ProductionWrapper:
        """Make the connections, on the loop that they live on."""
        if self._made is None:
            http = Http(self._place.backend("this worker calls others"))
            registry = ServiceRegistry(self._manifest, self._place.environment_id, self._source(http))
            self._made = ProductionWrapper(registry, http)
        return self._made

    def _source(self, http: Http) -> Any:
        state, environment = StateManager(Apps(http)), self._place.environment_id

        async def ask() -> Mapping[str, Deployed]:
            if not environment:
                raise ManifestServiceUnavailableError(
                    "this worker has no FLASH_ENVIRONMENT_ID",
                    fix="deploy again: flash deploy send",
                )
            return await state.endpoints(environment)

        return ask


def _entry(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What the manifest says of a function."""
    resources = manifest.get("resources", {}).values()
    functions = (each for resource in resources for each in resource.get("functions", ()))
    return next((each for each in functions if each.get("name") == name), {})


@functools.cache
def dial() -> Dial:
    """Return this worker's own."""
    return Dial(read_manifest(), read_place(os.environ))


def remaining_s(manifest: Mapping[str, Any], resource: str, *, asked_s: float | None = None) -> float | None:
    """Return the seconds that a call may take from now on; None for no limit. `asked_s` is what the call itself says.

    >>> round(remaining_s({"resources": {"a": {"config": {"executionTimeoutMs": 5000}}}}, "a", asked_s=9))
    5
    """
    job = current() or Current(time.monotonic())
    passed_s = time.monotonic() - job.began
    own_s = allowed_s(manifest.get("resources", {}).get(resource, {}))
    known = [limit_s - passed_s for limit_s in (own_s, job.timeout_s) if limit_s is not None]
    return min([*known, *([] if asked_s is None else [asked_s])], default=None)


def allowed_s(resource: Mapping[str, Any]) -> float | None:
    """Return how long a job or a request of a resource may take, in seconds; None for no limit.

    >>> allowed_s({"is_load_balanced": True}), allowed_s({"config": {"executionTimeoutMs": 0}})
    (330.0, None)
    """
    if resource.get("is_load_balanced"):
        return limits.BALANCER_PROCESSING_S
    said = resource.get("config", {}).get("executionTimeoutMs")
    return float(limits.OUR_EXECUTION_TIMEOUT_S) if said is None else said / 1000 or None
