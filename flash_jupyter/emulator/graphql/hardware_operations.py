"""What hardware there is and whether some is left: `gpuTypes`, `cpuFlavors`, `cpuTypes`, from the catalogue.

There is as much of everything as is asked for, until a fault `no-stock` takes it away. Null is what is not documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.faults import Faults
from flash_jupyter.emulator.graphql import Arguments, Resolver, field
from flash_jupyter.emulator.graphql.endpoint_documents import cpu_of_instance
from flash_jupyter.emulator.problems import Problem

IN_STOCK = "High"


class HardwareOperations:
    """Hardware over GraphQL."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def resolvers(self) -> dict[str, Resolver]:
        """Return the resolvers of the root fields."""
        return {
            "gpuTypes": lambda arguments: self._gpu_types((arguments.get("input") or {}).get("ids")),
            "cpuFlavors": lambda arguments: self._cpu_flavors((arguments.get("input") or {}).get("id")),
            "cpuTypes": lambda _: [_show_cpu(flavor) for flavor in catalog.CPU_FLAVORS],
        }

    # --- GPUs --------------------------------------------------------------------------------------------------

    def _gpu_types(self, wanted: list[str] | None) -> list[dict[str, Any]]:
        """`gpuTypes` - all, or those with one of the ids; a pool's id stands for its types."""
        pools = catalog.POOL_OF
        return [
            self._show_gpu(card, pool) for card, pool in pools.items() if wanted is None or {card, pool} & {*wanted}
        ]

    def _show_gpu(self, card: str, pool: str) -> dict[str, Any]:
        most = catalog.GPUS_PER_WORKER_MAX
        return {
            "id": card,
            "displayName": catalog.short_name(card),
            "manufacturer": "Nvidia",
            "memoryInGb": catalog.GPU_POOLS[pool]["memory"],
            "secureCloud": True,
            "communityCloud": False,
            "maxGpuCount": most,
            "maxGpuCountSecureCloud": most,
            "maxGpuCountCommunityCloud": 0,
            "minPodGpuCount": 1,
            "lowestPrice": field(
                lambda arguments: {"stockStatus": self._gpu_stock(pool, arguments.get("input") or {})}
            ),
        }

    def _gpu_stock(self, pool: str, wanted: Mapping[str, Any]) -> str | None:
        place = wanted.get("dataCenterId")
        too_many = (wanted.get("gpuCount") or 1) > catalog.GPUS_PER_WORKER_MAX
        nowhere = place is not None and place not in catalog.DATA_CENTERS
        return None if too_many or nowhere or self._faults.is_sold_out(pool) else IN_STOCK

    # --- CPUs --------------------------------------------------------------------------------------------------

    def _cpu_flavors(self, wanted: str | None) -> list[dict[str, Any]]:
        """`cpuFlavors` - all, or the one with the id."""
        return [self._show_flavor(flavor) for flavor in catalog.CPU_FLAVORS if wanted in (None, flavor)]

    def _show_flavor(self, flavor: str) -> dict[str, Any]:
        def specifics(arguments: Arguments) -> dict[str, Any]:
            return {"stockStatus": self._cpu_stock(flavor, arguments.get("input") or {})}

        return {"id": flavor, "specifics": field(specifics)}

    def _cpu_stock(self, flavor: str, wanted: Mapping[str, Any]) -> str | None:
        place, instance = wanted.get("dataCenterId"), wanted.get("instanceId")
        if place is not None and not catalog.DATA_CENTERS.get(place, {}).get("cpu"):
            return None
        try:
            is_other = instance is not None and cpu_of_instance(instance)["id"] != flavor
        except Problem:
            return None
        return None if is_other or self._faults.is_sold_out(flavor) else IN_STOCK


def _show_cpu(flavor: str) -> dict[str, Any]:
    entry = catalog.CPU_FLAVORS[flavor]
    return {
        "id": flavor,
        "displayName": f"{entry['name']}, {entry['group']}",
        "cores": entry["vcpu_max"],
        "groupId": flavor,
    }
