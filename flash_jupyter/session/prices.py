"""What the catalogue says a worker costs, where our table says nothing: CPUs, and pools that the docs do not price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter.errors import ApiError
from flash_jupyter.session.cost import table_usd_per_hour
from flash_jupyter.transport.catalog import Catalog
from flash_jupyter.transport.http import ONCE


class Prices:
    """Prices of one backend; the catalogue is asked at most once for GPUs and once for CPUs, when it is needed."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._pools: dict[str, float] | None = None
        self._flavors: dict[str, float] | None = None

    async def usd_per_hour(self, hardware: Mapping[str, Any]) -> float | None:
        """Return the most that one worker costs an hour; None where nobody says. `hardware` is as REST v2 spells it."""
        known = table_usd_per_hour(hardware)
        if known is not None:
            return known
        try:
            return await (self._of_cpu(hardware["cpu"]) if hardware.get("cpu") else self._of_gpu(hardware["gpu"]))
        except ApiError:  # a price is worth one question, not a failed cell
            return None

    async def _of_cpu(self, chosen: list[dict[str, Any]]) -> float | None:
        if self._flavors is None:
            listed = await self._catalog.cpus(retry=ONCE)
            self._flavors = {_family(cpu.id): price for cpu in listed if (price := cpu.price.per_vcpu) is not None}
        prices = [self._flavors.get(_family(str(cpu.get("id")))) for cpu in chosen]
        costs = [p * int(cpu.get("vcpuCount") or 1) for p, cpu in zip(prices, chosen, strict=True) if p is not None]
        return round(max(costs), 4) if costs else None

    async def _of_gpu(self, chosen: Mapping[str, Any]) -> float | None:
        if self._pools is None:
            listed = await self._catalog.gpus(retry=ONCE)
            self._pools = {}
            for gpu in listed:
                if gpu.pool and gpu.price.serverless is not None:
                    self._pools[gpu.pool] = max(gpu.price.serverless, self._pools.get(gpu.pool, 0.0))
        costs = [self._pools[pool] for pool in chosen.get("pools") or () if pool in self._pools]
        return round(max(costs) * int(chosen.get("count") or 1), 4) if costs else None


def _family(flavor: str) -> str:
    """Return a flavour without its size: the document has `cpu3c` and `cpu3c-2-4`.

    >>> _family("cpu3c-2-4")
    'cpu3c'
    """
    return flavor.partition("-")[0]
