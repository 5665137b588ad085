"""What hardware, places and public templates there are: `catalog.json`, with its sources and units in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Entries = dict[str, dict[str, Any]]
_CATALOG: dict[str, Any] = json.loads(Path(__file__).with_name("catalog.json").read_text())

#: pool id -> `memory` of one GPU, `flex_usd_per_s` of a worker with one, `types`
GPU_POOLS: Entries = _CATALOG["gpu_pools"]
#: GPU type id -> pool id
POOL_OF: dict[str, str] = {card: pool for pool, entry in GPU_POOLS.items() for card in entry["types"]}
GPUS_PER_WORKER_MAX: int = _CATALOG["gpus_per_worker_max"]
#: those that machines have, oldest first
CUDA_VERSIONS: list[str] = _CATALOG["cuda_versions"]
#: flavour id -> `name`, `group`, `memory_per_vcpu`, `vcpu_max`
CPU_FLAVORS: Entries = _CATALOG["cpu_flavors"]
#: of `serverless` and `secure`
USD_PER_VCPU_H: dict[str, float] = _CATALOG["usd_per_vcpu_h"]
#: id -> `name`, `region`, `country`, `volume_types`, and whether there are `cpu` workers
DATA_CENTERS: Entries = _CATALOG["data_centers"]
#: those that anybody can read, by their ids
PUBLIC_TEMPLATES: Entries = _CATALOG["templates"]


def short_name(card: str) -> str:
    """Return a GPU type's short name.

    >>> short_name("NVIDIA GeForce RTX 4090"), short_name("NVIDIA A40")
    ('RTX 4090', 'A40')
    """
    return card.removeprefix("NVIDIA ").removeprefix("GeForce ")


def cpu_memory_gb(flavor: str, vcpus: int, *, least: int = 2) -> int | None:
    """Return the memory of a CPU worker in GB, or None where the flavour or its size does not exist.

    REST v2 makes none below two vCPUs, GraphQL does: `least`.

    >>> cpu_memory_gb("cpu3g", 4)
    16
    >>> cpu_memory_gb("cpu3g", 3) is None
    True
    """
    entry = CPU_FLAVORS.get(flavor)
    if entry is None or vcpus & (vcpus - 1) or not least <= vcpus <= entry["vcpu_max"]:
        return None
    return int(entry["memory_per_vcpu"] * vcpus)
