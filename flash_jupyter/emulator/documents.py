"""An endpoint as REST v2 shows it: how a create makes the document, and how a patch changes it. Pure.

Rules beyond the schema (400 or 404 in the document's prose) are checked here: one of gpu and cpu, known hardware,
`workers.min` not above `max`, no idle timeout where the platform refuses one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter import limits
from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.scheduler import Scaling

#: changes of these make a new release, which replaces the workers (REST v2 document, updateEndpoint)
RELEASED = ("image", "args", "disk", "env", "ports", "registry", "gpu", "cpu", "networkVolumes", "dataCenterIds")
#: parts of a stored document that REST v2 does not show: what only GraphQL knows of an endpoint
HIDDEN = ("graphql",)
#: what a create may leave out, and what it is then (CreateEndpointRequest; `disk` and `ports` from its examples)
DEFAULTS: dict[str, Any] = {
    "args": "",
    "disk": 20,
    "ports": [],
    "env": {},
    "registry": None,
    "dataCenterIds": [],
    "networkVolumes": [],
    "timeout": limits.ENDPOINT_TIMEOUT_DEFAULT_MS,
    "flashboot": "OFF",
}
_PLAIN = ("name", "image", *DEFAULTS)
_WORKER_DEFAULTS = {"min": 0, "max": limits.WORKERS_MAX_DEFAULT}
#: CreateEndpointRequest; the docs' console default is `limits.IDLE_TIMEOUT_DEFAULT_S`
_IDLE_TIMEOUT_S = 10


def create_document(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checked create's document, without `id`, `requestUrls` and `createdAt`; raises `Problem`."""
    if ("gpu" in body) == ("cpu" in body):
        raise Problem(400, "give exactly one of gpu and cpu")
    plain = {name: value for name, value in body.items() if name in _PLAIN}
    hardware = {"gpu": _gpu(body["gpu"])} if "gpu" in body else {"cpu": _cpu(body["cpu"])}
    workers = _workers(body["type"], _WORKER_DEFAULTS, body.get("workers", {}), body["scaling"])
    return {"type": body["type"], **DEFAULTS, **plain, **hardware, "workers": workers, "scaling": body["scaling"]}


def patch_document(document: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document changed by a checked patch; raises `Problem`. What is not in the patch stays."""
    if ("cpu" in body and "gpu" in body) or any(name in body and name not in document for name in ("cpu", "gpu")):
        raise Problem(400, "the compute family of an endpoint can't be changed")
    changed = {**document, **{name: value for name, value in body.items() if name in _PLAIN}}
    if "gpu" in body:
        changed["gpu"] = _gpu(_patched_gpu(document["gpu"], body["gpu"]))
    if "cpu" in body:
        changed["cpu"] = _cpu(body["cpu"])
    changed["scaling"] = body.get("scaling", document["scaling"])
    if document["type"] == "LOAD_BALANCER" and changed["scaling"]["type"] != "REQUEST_COUNT":
        raise Problem(400, "a LOAD_BALANCER endpoint scales on REQUEST_COUNT only")
    changed["workers"] = _workers(document["type"], document["workers"], body.get("workers", {}), changed["scaling"])
    return changed


def changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a release's `diff`: what differs of the fields that make a release.

    >>> changed_fields({"image": "a", "timeout": 1}, {"image": "b", "timeout": 2})
    [{'field': 'image', 'old': 'a', 'new': 'b'}]
    """
    pairs = ((name, old.get(name), new.get(name)) for name in RELEASED)
    return [{"field": name, "old": before, "new": after} for name, before, after in pairs if before != after]


def scaling_of(document: Mapping[str, Any], version: int) -> Scaling:
    """Return what the scheduler needs to know."""
    workers, scaling = document["workers"], document["scaling"]
    return Scaling(
        workers_min=workers["min"],
        workers_max=workers["max"],
        idle_timeout_s=workers.get("idleTimeout", limits.IDLE_TIMEOUT_DEFAULT_S),
        queue_delay_s=scaling.get("queueDelay"),
        request_count=scaling.get("requestCount"),
        version=version,
    )


def _gpu(gpu: Mapping[str, Any]) -> dict[str, Any]:
    versions, least = gpu.get("allowedCudaVersions", []), gpu.get("minCudaVersion")
    if versions and least:
        raise Problem(400, "allowedCudaVersions and minCudaVersion exclude each other")
    excluded = [card.strip() for card in gpu.get("excludedTypes", [])]
    check_cards(gpu["pools"], excluded)
    return {
        "pools": gpu["pools"],
        **({"excludedTypes": excluded} if excluded else {}),
        "count": gpu.get("count", 1),
        "allowedCudaVersions": versions,
        "minCudaVersion": least or None,
    }


def check_cards(pools: list[str], excluded: list[str]) -> None:
    """Raise `Problem` for a pool or an excluded GPU type that there is not, or when no GPU type is left."""
    unknown = [pool for pool in pools if pool not in catalog.GPU_POOLS]
    if unknown:
        raise Problem(400, f"unknown GPU pool {unknown[0]!r}; there are {', '.join(catalog.GPU_POOLS)}")
    cards = {card for pool in pools for card in catalog.GPU_POOLS[pool]["types"]}
    strange = [card for card in excluded if card not in cards]
    if strange:
        raise Problem(400, f"excludedTypes: {strange[0]!r} is not a GPU type of the selected pools")
    if cards <= set(excluded):
        raise Problem(400, "excludedTypes leaves no GPU type of the selected pools")


def _patched_gpu(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """`pools` replaces the whole selection: exclusions which are not given again are gone (REST v2 document)."""
    exclusions = [] if "pools" in patch else old.get("excludedTypes", [])
    return {**old, "excludedTypes": exclusions, **patch}


def _cpu(selection: list[dict[str, Any]]) -> list[dict[str, Any]]:
    documents = []
    for cpu in selection:
        flavor, vcpus = cpu["id"], int(cpu["vcpuCount"])
        memory = catalog.cpu_memory_gb(flavor, vcpus)
        if memory is None:
            flavors = ", ".join(catalog.CPU_FLAVORS)
            detail = f"no CPU {flavor!r} with {vcpus} vCPUs; there are {flavors}, with a power of two from 2 to 32"
            raise Problem(400, detail)
        documents.append({"id": flavor, "vcpuCount": vcpus, "memory": memory})
    return documents


def _workers(kind: str, old: Mapping[str, Any], sent: Mapping[str, Any], scaling: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**old, **sent}
    if merged["min"] > merged["max"]:
        raise Problem(400, f"workers.min {merged['min']} is above workers.max {merged['max']}")
    bounds = {"min": merged["min"], "max": merged["max"]}
    if kind == "LOAD_BALANCER" or scaling["type"] != "REQUEST_COUNT":
        return {**bounds, "idleTimeout": merged.get("idleTimeout", _IDLE_TIMEOUT_S)}
    if "idleTimeout" in sent:
        raise Problem(400, "workers.idleTimeout does not apply to a QUEUE endpoint that scales on requestCount")
    return bounds
