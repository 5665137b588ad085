"""The control plane: `/v2/catalog/{gpus,cpus,datacenters}` of REST v2 (reference/openapi-v2.json).

Serverless hardware is in stock unless a fault says otherwise: a local worker runs on what the machine has. Pods,
clusters and the community cloud do not exist here, so what asks for them finds NONE, and a price of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.control_routes import Operation, control_routes, query_values
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.schema import Schema

Query = Mapping[str, Any]
#: whether there is none of a GPU pool or a CPU flavour
SoldOut = Callable[[str], bool]


def show_gpu(card: str, query: Query, sold_out: SoldOut) -> dict[str, Any]:
    """Return `GpuType`; with availability where `include` is in the query."""
    pool = catalog.POOL_OF[card]
    entry = catalog.GPU_POOLS[pool]
    document = {
        "id": card,
        "name": catalog.short_name(card),
        "pool": pool,
        "manufacturer": "NVIDIA",
        "memory": entry["memory"],
        "secure": False,
        "community": False,
        "price": {
            "secure": 0,
            "community": 0,
            "serverless": round(entry["flex_usd_per_s"] * 3600, 4),
        },
        "maxCount": {"secure": 0, "community": 0},
    }
    if not query.get("include"):
        return document
    fits = query.get("cloud") != "COMMUNITY" and query.get("count", 1) <= catalog.GPUS_PER_WORKER_MAX
    versions = [version for version in catalog.CUDA_VERSIONS if _wanted(version, query)]
    places = in_countries(query) if fits and versions and _serves(query) and not sold_out(pool) else []
    shown = [{"version": version, "available": bool(places)} for version in versions]
    return {**document, **_availability(places), **({"cudaVersions": shown} if shown else {})}


def show_cpu(flavor: str, query: Query, sold_out: SoldOut) -> dict[str, Any]:
    """Return `CpuType`; with availability where `include` is in the query."""
    entry = catalog.CPU_FLAVORS[flavor]
    document = {
        "id": flavor,
        "name": entry["name"],
        "group": entry["group"],
        "vcpu": {"min": 2, "max": entry["vcpu_max"]},
        "ramGbPerVcpu": entry["memory_per_vcpu"],
        "price": {
            "securePerVcpu": catalog.USD_PER_VCPU_H["secure"],
            "serverlessPerVcpu": catalog.USD_PER_VCPU_H["serverless"],
        },
    }
    if not query.get("include"):
        return document
    fits = _serves(query) and query.get("vcpuCount", 2) <= entry["vcpu_max"]
    places = [place for place, center in catalog.DATA_CENTERS.items() if center["cpu"]]
    return {**document, **_availability(places if fits and not sold_out(flavor) else [])}


def show_data_center(place: str, query: Query, sold_out: SoldOut) -> dict[str, Any]:
    """Return `DataCenter`; which certificates it has, and global networking, is not documented."""
    center = catalog.DATA_CENTERS[place]
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
        pools = catalog.POOL_OF.items()
        document["gpuAvailability"] = [_level(card, catalog.short_name(card), sold_out(pool)) for card, pool in pools]
    if "CPU_AVAILABILITY" in include and center["cpu"]:
        flavors = {flavor: entry["name"] for flavor, entry in catalog.CPU_FLAVORS.items()}
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
    centers = catalog.DATA_CENTERS.items()
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
    centers = [_level(place, catalog.DATA_CENTERS[place]["name"], False) for place in places]
    return {"availability": "HIGH", "dataCenters": centers} if centers else {"availability": "NONE"}


def _level(resource_id: str, name: str, sold_out: bool) -> dict[str, str]:
    return {"id": resource_id, "name": name, "availability": "NONE" if sold_out else "HIGH"}


def _list_of(*words: str) -> Schema:
    return {"type": "array", "items": {"type": "string", "enum": list(words)}}


def _list_like(pattern: str) -> Schema:
    return {"type": "array", "items": {"type": "string", "pattern": pattern}}


_GPU_QUERY: dict[str, Schema] = {
    "include": _list_of("AVAILABILITY"),
    "product": _list_of("POD", "CLUSTER", "SERVERLESS"),
    "count": {"type": "integer", "minimum": 1},
    "cloud": {"type": "string", "enum": ["SECURE", "COMMUNITY"]},
    "countryCodes": _list_like(r"^[A-Z]{2}$"),
    "cudaVersions": _list_like(r"^\d+\.\d+$"),
    "minCudaVersion": {"type": "string", "pattern": r"^\d+(\.\d+)?$"},
}
_CPU_QUERY: dict[str, Schema] = {
    "include": _list_of("AVAILABILITY"),
    "product": _list_of("POD", "SERVERLESS"),
    "vcpuCount": {"type": "integer", "minimum": 2},
}
_ONE_CENTER_QUERY: dict[str, Schema] = {"include": _list_of("GPU_AVAILABILITY", "CPU_AVAILABILITY")}
_CENTER_QUERY: dict[str, Schema] = {
    **_ONE_CENTER_QUERY,
    "regions": _list_of(
        *("NORTH_AMERICA", "SOUTH_AMERICA", "EUROPE", "ASIA", "MIDDLE_EAST"),
        *("AFRICA", "OCEANIA", "ANTARCTICA", "UNKNOWN"),
    ),
    "networkVolumeTypes": _list_of("STANDARD", "HIGH_PERFORMANCE"),
    "compliance": _list_of(
        *("GDPR", "ISO_IEC_27001", "ISO_14001", "PCI_DSS", "HITRUST", "SOC_1_TYPE_2", "SOC_2_TYPE_2", "SOC_3_TYPE_2"),
        *("ITAR", "FISMA_HIGH", "HIPAA", "RENEWABLE"),
    ),
    "globalNetwork": {"type": "boolean"},
}


class CatalogApi:
    """The routes, and what they need."""

    def __init__(self, sold_out: SoldOut, limiter: ControlLimiter) -> None:
        self._sold_out, self._limiter = sold_out, limiter

    def routes(self) -> list[Route]:
        """Return the routes."""
        base = "/v2/catalog"
        table: list[Operation] = [
            ("GET", f"{base}/gpus", self._gpus),
            ("GET", f"{base}/gpus/{{id}}", self._gpu),
            ("GET", f"{base}/cpus", self._cpus),
            ("GET", f"{base}/cpus/{{id}}", self._cpu),
            ("GET", f"{base}/datacenters", self._centers),
            ("GET", f"{base}/datacenters/{{id}}", self._center),
        ]
        return control_routes(table, self._limiter)

    async def _gpus(self, request: Request) -> Response:
        """GET /v2/catalog/gpus - all types; with countryCodes those that are in these countries."""
        query = _gpu_query(request)
        cards = catalog.POOL_OF if in_countries(query) else ()
        return JSONResponse({"gpus": [show_gpu(card, query, self._sold_out) for card in cards]})

    async def _gpu(self, request: Request) -> Response:
        query, card = _gpu_query(request), request.path_params["id"]
        if card not in catalog.POOL_OF:
            raise Problem(404, "GPU type not found")
        return JSONResponse(show_gpu(card, query, self._sold_out))

    async def _cpus(self, request: Request) -> Response:
        """GET /v2/catalog/cpus - all flavours."""
        query = _cpu_query(request)
        return JSONResponse({"cpus": [show_cpu(flavor, query, self._sold_out) for flavor in catalog.CPU_FLAVORS]})

    async def _cpu(self, request: Request) -> Response:
        query, flavor = _cpu_query(request), request.path_params["id"]
        if flavor not in catalog.CPU_FLAVORS:
            raise Problem(404, "CPU flavor not found")
        return JSONResponse(show_cpu(flavor, query, self._sold_out))

    async def _centers(self, request: Request) -> Response:
        """GET /v2/catalog/datacenters - those that pass the filters."""
        query = query_values(request, _CENTER_QUERY)
        shown = [show_data_center(place, query, self._sold_out) for place in catalog.DATA_CENTERS]
        return JSONResponse({"dataCenters": [center for center in shown if is_wanted(center, query)]})

    async def _center(self, request: Request) -> Response:
        query, place = query_values(request, _ONE_CENTER_QUERY), request.path_params["id"]
        if place not in catalog.DATA_CENTERS:
            raise Problem(404, "data center not found")
        return JSONResponse(show_data_center(place, query, self._sold_out))


def _gpu_query(request: Request) -> dict[str, Any]:
    query = _with_product(query_values(request, _GPU_QUERY))
    if {"cudaVersions", "minCudaVersion"} <= set(query):
        raise Problem(400, "cudaVersions and minCudaVersion exclude each other")
    return query


def _cpu_query(request: Request) -> dict[str, Any]:
    query = _with_product(query_values(request, _CPU_QUERY))
    vcpus = query.get("vcpuCount", 2)
    if vcpus & (vcpus - 1):
        raise Problem(400, f"vcpuCount {vcpus} is not a power of two")
    return query


def _with_product(query: dict[str, Any]) -> dict[str, Any]:
    """Availability needs a product, and the filters need availability (the parameters' descriptions)."""
    if query.get("include"):
        if not query.get("product"):
            raise Problem(400, "include=AVAILABILITY requires product")
    elif filters := sorted(set(query) - {"include"}):
        raise Problem(400, f"{filters[0]} is valid only with include=AVAILABILITY")
    return query
