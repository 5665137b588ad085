"""Health checks of load balancing endpoints' workers: 200 is healthy, 204 initialising, anything else unhealthy.

Source: Runpod docs, load-balancing/overview. A worker that starts is asked often, so that a cold start does not wait
for the next check.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from flash_jupyter.emulator.balancer import HEALTHY, INITIALIZING, Balancer, Broken, Refused
from flash_jupyter.emulator.machine import Ports, health_path
from flash_jupyter.emulator.world import Worker, World

if TYPE_CHECKING:
    from flash_jupyter.emulator.upstream import Upstream

#: between two checks of a worker that starts
STARTING_INTERVAL_S = 0.05


class HealthChecks:
    """One task a worker, and the HTTP client that they share with the relayed requests."""

    def __init__(self, world: World, balancer: Balancer) -> None:
        self._world, self._balancer = world, balancer
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._upstream: asyncio.Task[Upstream] | None = None

    async def upstream(self) -> Upstream:
        """Return the HTTP client; it is loaded in a thread, for the server must not stand still meanwhile."""
        if self._upstream is None:
            self._upstream = asyncio.create_task(_load())
        return await asyncio.shield(self._upstream)

    def look_after(self, worker: Worker) -> None:
        """Check a worker until it ends."""
        if worker.id not in self._tasks:
            task = asyncio.create_task(self._check_until_it_ends(worker))
            self._tasks[worker.id] = task
            task.add_done_callback(lambda _: self._tasks.pop(worker.id))

    async def close(self) -> None:
        """End all checks."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._upstream is not None:
            await (await self._upstream).close()

    async def _check_until_it_ends(self, worker: Worker) -> None:
        upstream = await self.upstream()
        while (endpoint := self._world.endpoints.get(worker.endpoint_id)) and worker.id in endpoint.workers:
            assert worker.ports is not None
            path = health_path(endpoint.document["env"])
            status, said = await self._ask(upstream, worker, worker.ports, path)
            if worker.id in endpoint.workers:
                self._balancer.heard(worker, status, said)
            starting = worker.unhealthy_since is not None and not worker.is_ready
            await asyncio.sleep(STARTING_INTERVAL_S if starting else self._world.config.limits.health_check_s)

    async def _ask(self, upstream: Upstream, worker: Worker, ports: Ports, path: str) -> tuple[int | None, str]:
        """Return the status, None without one, and both in words."""
        try:
            status = await upstream.check(ports.health, path)
        except Refused:
            return None, f"nothing listens on port {ports.health} (PORT_HEALTH)"
        except Broken as broken:
            return None, f"{path} on port {ports.health}: {broken}"
        if status == HEALTHY and not worker.is_ready and not worker.process.listens_on(ports.health):
            return None, f"another program listens on port {ports.health}"
        word = {HEALTHY: "healthy", INITIALIZING: "initialising"}.get(status, "unhealthy")
        return status, f"{path} answered {status}: {word}"


async def _load() -> Upstream:
    module = await asyncio.to_thread(importlib.import_module, "flash_jupyter.emulator.upstream")
    upstream: Upstream = module.Upstream()
    return upstream
