"""What hardware there is: `catalog.json`, with its source in it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=1)
def _catalog() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(__file__).with_name("catalog.json").read_text())
    return document


def gpu_types(pool: str) -> list[str] | None:
    """Return the GPU type ids of a pool, or None for a pool that does not exist.

    >>> gpu_types("ADA_24")
    ['NVIDIA GeForce RTX 4090']
    """
    entry = _catalog()["gpu_pools"].get(pool)
    return None if entry is None else list(entry["types"])


def gpu_pools() -> list[str]:
    """Return the ids of all pools."""
    return list(_catalog()["gpu_pools"])


def cpu_memory_gb(flavor: str, vcpus: int, *, least: int = 2) -> int | None:
    """Return the memory of a CPU worker in GB, or None where the flavour or its size does not exist.

    REST v2 makes none below two vCPUs, GraphQL does: `least`.

    >>> cpu_memory_gb("cpu3g", 4)
    16
    >>> cpu_memory_gb("cpu3g", 3) is None
    True
    """
    entry = _catalog()["cpu_flavors"].get(flavor)
    if entry is None or vcpus & (vcpus - 1) or not least <= vcpus <= entry["vcpu_max"]:
        return None
    return int(entry["memory_per_vcpu"] * vcpus)


def cpu_flavors() -> list[str]:
    """Return the ids of all CPU flavours."""
    return list(_catalog()["cpu_flavors"])
