"""The catalogue as REST v2 shows it: GPU types, CPU flavours, data centres, with availability on request. Pure.

Serverless hardware is in stock unless a fault says otherwise: a local worker runs on what the machine has. Pods,
clusters and the community cloud do not exist here, so what asks for them finds NONE, and a price of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flash_jupyter.emulator import catalog

Query = Mapping[str, Any]
#: whether there is none of a GPU pool or a CPU flavour
SoldOut = Callable[[str], bool]


def show_gpu(card: str, query: Query, sold_out: SoldOut) -> dict[str, Any]:
    """Return `GpuType`; with availability where `include` is in the query."""
    pool = catalog.pools_by_type()[card]
    document = {
        "id": card,
        "name": _name(card),
        "pool": pool,
        "manufacturer": "NVIDIA",
        "memory": catalog.gpu_memory_gb(pool),
        "secure": False,
        "community": False,
        "price": {"secure": 0, "community": 0, "serverless": round(catalog.gpu_usd_per_s(pool) * 3600, 4)},
        "maxCount": {"secure": 0, "community": 0},
    }
    if not query.get("include"):
        return document
    fits = query.get("cloud") != "COMMUNITY" and query.get("count", 1) <= catalog.gpus_per_worker_max()
    versions = [version for version in catalog.cuda_versions() if _wanted(version, query)]
    places = in_countries(query) if fits and versions and _serves(query) and not sold_out(pool) else []
    shown = [{"version": version, "available": bool(places)} for version in versions]
    return {**document, **_availability(places), **({"cudaVersions": shown} if shown else {})}


def show_cpu(flavor: str, query: Query, sold_out: SoldOut) -> dict[str, Any]:
    """Return `CpuType`; with availability where `include` is in the query."""
    entry = catalog.cpu_flavor(flavor)
    document = {
        "id": flavor,
        "name": entry["name"],
        "group": entry["group"],
        "vcpu": {"min": 2, "max": entry["vcpu_max"]},
        "ramGbPerVcpu": entry["memory_per_vcpu"],
        "price": {
            "securePerVcpu": catalog.vcpu_usd_per_h("secure"),
            "serverlessPerVcpu": catalog.vcpu_usd_per_h("serverless"),
        },
    }
    if not query.get("include"):
        return document
    fits = _serves(query) and query.get("vcpuCount", 2) <= entry["vcpu_max"]
    places = [place for place, center in catalog.data_centers().items() if center["cpu"]]
    return {**document, **_availability(places if fits and not sold_out(flavor) else [])}


def show_data_center(place: str, query: Query, sold_out: SoldOut) -> dict[str, Any]:
    """Return `DataCenter`; which certificates it has, and global networking, is not documented."""
    center = catalog.data_centers()[place]
    document = {
        "id": place,
        "name": center["name"],
        "region": center["region"],
        "globalNetwork": False,
        "networkVolumeTypes": center["volume_types"],
        "compliance": [],
    }
    include = query.get("include", [])
    if "GPU_AVAILABILITY" in include:
        pools = catalog.pools_by_type().items()
        document["gpuAvailability"] = [_level(card, _name(card), sold_out(pool)) for card, pool in pools]
    if "CPU_AVAILABILITY" in include and center["cpu"]:
        flavors = {flavor: catalog.cpu_flavor(flavor)["name"] for flavor in catalog.cpu_flavors()}
        document["cpuAvailability"] = [_level(flavor, name, sold_out(flavor)) for flavor, name in flavors.items()]
    return document


def is_wanted(center: Mapping[str, Any], query: Query) -> bool:
    """Whether a data centre's document passes the filters: OR within regions, AND within the others."""
    return (
        (not query.get("regions") or center["region"] in query["regions"])
        and set(query.get("networkVolumeTypes", [])) <= set(center["networkVolumeTypes"])
        and set(query.get("compliance", [])) <= set(center["compliance"])
        and query.get("globalNetwork", center["globalNetwork"]) == center["globalNetwork"]
    )


def in_countries(query: Query) -> list[str]:
    """Return the data centres of the countries that a query names, or all."""
    countries = query.get("countryCodes")
    centers = catalog.data_centers().items()
    return [place for place, center in centers if not countries or center["country"] in countries]


def _serves(query: Query) -> bool:
    return "SERVERLESS" in query["product"]


def _wanted(version: str, query: Query) -> bool:
    """Whether a CUDA version is one of the set, or not below the floor, compared as numbers.

    >>> _wanted("12.10", {"minCudaVersion": "12.9"}), _wanted("12.8", {"cudaVersions": ["12.6"]})
    (True, False)
    """
    if query.get("cudaVersions"):
        return version in query["cudaVersions"]
    return _numbers(version) >= _numbers(query.get("minCudaVersion", "0"))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def _availability(places: Iterable[str]) -> dict[str, Any]:
    """`dataCenters` is left out where there is none (GpuType, CpuType)."""
    centers = [_level(place, catalog.data_centers()[place]["name"], False) for place in places]
    return {"availability": "HIGH", "dataCenters": centers} if centers else {"availability": "NONE"}


def _level(resource_id: str, name: str, sold_out: bool) -> dict[str, str]:
    return {"id": resource_id, "name": name, "availability": "NONE" if sold_out else "HIGH"}


def _name(card: str) -> str:
    """Return a GPU type's short name.

    >>> _name("NVIDIA GeForce RTX 4090"), _name("NVIDIA A40")
    ('RTX 4090', 'A40')
    """
    return card.removeprefix("NVIDIA ").removeprefix("GeForce ")
