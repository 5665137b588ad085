"""The control plane: `/v2/catalog/{gpus,cpus,datacenters}` of REST v2 (reference/openapi-v2.json)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.catalog_documents import (
    SoldOut,
    in_countries,
    is_wanted,
    show_cpu,
    show_data_center,
    show_gpu,
)
from flash_jupyter.emulator.control_routes import Operation, control_routes, query_values
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.rate import ControlLimiter
from flash_jupyter.emulator.schema import Schema


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
        """Return the routes; they must come before those of the data plane."""
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
        cards = catalog.pools_by_type() if in_countries(query) else ()
        return JSONResponse({"gpus": [show_gpu(card, query, self._sold_out) for card in cards]})

    async def _gpu(self, request: Request) -> Response:
        """GET /v2/catalog/gpus/{id}."""
        query, card = _gpu_query(request), request.path_params["id"]
        if card not in catalog.pools_by_type():
            raise Problem(404, "GPU type not found")
        return JSONResponse(show_gpu(card, query, self._sold_out))

    async def _cpus(self, request: Request) -> Response:
        """GET /v2/catalog/cpus - all flavours."""
        query = _cpu_query(request)
        return JSONResponse({"cpus": [show_cpu(flavor, query, self._sold_out) for flavor in catalog.cpu_flavors()]})

    async def _cpu(self, request: Request) -> Response:
        """GET /v2/catalog/cpus/{id}."""
        query, flavor = _cpu_query(request), request.path_params["id"]
        if flavor not in catalog.cpu_flavors():
            raise Problem(404, "CPU flavor not found")
        return JSONResponse(show_cpu(flavor, query, self._sold_out))

    async def _centers(self, request: Request) -> Response:
        """GET /v2/catalog/datacenters - those that pass the filters."""
        query = query_values(request, _CENTER_QUERY)
        shown = [show_data_center(place, query, self._sold_out) for place in catalog.data_centers()]
        return JSONResponse({"dataCenters": [center for center in shown if is_wanted(center, query)]})

    async def _center(self, request: Request) -> Response:
        """GET /v2/catalog/datacenters/{id}."""
        query, place = query_values(request, _ONE_CENTER_QUERY), request.path_params["id"]
        if place not in catalog.data_centers():
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
