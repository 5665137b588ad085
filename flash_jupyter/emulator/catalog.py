"""What hardware, places and public templates there are: `catalog.json`, with its sources in it."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=1)
def _catalog() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(__file__).with_name("catalog.json").read_text())
    return document


# --- GPUs ------------------------------------------------------------------------------------------------------


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


def pools_by_type() -> dict[str, str]:
    """Return the pool of each GPU type.

    >>> pools_by_type()["NVIDIA A40"]
    'AMPERE_48'
    """
    return {card: pool for pool in gpu_pools() for card in gpu_types(pool) or []}


def gpu_memory_gb(pool: str) -> int:
    """Return the memory of one GPU of a pool, GB."""
    return int(_catalog()["gpu_pools"][pool]["memory"])


def gpu_usd_per_s(pool: str) -> float:
    """Return the price of a worker with one GPU of a pool, USD a second."""
    return float(_catalog()["gpu_pools"][pool]["flex_usd_per_s"])


def gpus_per_worker_max() -> int:
    """Return how many GPUs a worker can have."""
    return int(_catalog()["gpus_per_worker_max"])


def cuda_versions() -> list[str]:
    """Return the CUDA versions that machines have, oldest first."""
    return list(_catalog()["cuda_versions"])


# --- CPUs ------------------------------------------------------------------------------------------------------


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


def cpu_flavor(flavor: str) -> dict[str, Any]:
    """Return `name`, `group`, `memory_per_vcpu` (GB) and `vcpu_max` of a flavour."""
    entry: dict[str, Any] = _catalog()["cpu_flavors"][flavor]
    return entry


def vcpu_usd_per_h(product: str) -> float:
    """Return the price of one vCPU, USD an hour, of `serverless` or `secure`.

    >>> vcpu_usd_per_h("serverless")
    0.03
    """
    return float(_catalog()["usd_per_vcpu_h"][product])


# --- places and templates --------------------------------------------------------------------------------------


def data_centers() -> dict[str, dict[str, Any]]:
    """Return all data centres: `name`, `region`, `country`, `volume_types`, and whether there are `cpu` workers."""
    centers: dict[str, dict[str, Any]] = _catalog()["data_centers"]
    return centers


def public_templates() -> dict[str, dict[str, Any]]:
    """Return the templates that anybody can read, without their ids."""
    templates: dict[str, dict[str, Any]] = _catalog()["templates"]
    return templates
