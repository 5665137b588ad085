"""What differs between an endpoint that exists and what the user said: the body of a PATCH, field by field. Pure.

What the user did not say stays as it is, and the labels of an endpoint never change. Where the platform replaces a
field as a whole (`env`, `workers`, `cpu`), what must stay is said again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.endpoint import RESERVED, EndpointSpec, flashboot, hardware, volume_ids

#: variables that the platform keeps in an endpoint's environment by itself (REST v2 document, `EndpointType`)
PLATFORM_VARIABLES = ("PORT", "PORT_HEALTH", "HEALTH_CHECK_PATH")


def patch_body(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `UpdateEndpointRequest` that brings `endpoint` (REST v2) to what the user said; empty if it is there.

    Raises `OptionError` where the platform can't: another type, or CPU instead of GPU.
    """
    _check_kind(spec, endpoint)
    changes = {
        **dict(_plain_changes(spec, endpoint)),
        **_hardware_changes(spec, endpoint),
        "workers": _worker_changes(spec, endpoint.get("workers") or {}),
    }
    if "env" in spec.said:
        env = _wanted_env(spec, endpoint.get("env") or {})
        changes.update({"env": env} if env != (endpoint.get("env") or {}) else {})
    return {key: value for key, value in changes.items() if value or key in ("env", "dataCenterIds")}


def _check_kind(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> None:
    has, wants = str(endpoint.get("type") or "QUEUE"), str(spec.type)
    if has == wants and "family" in spec.said:
        has, wants = ("CPU" if endpoint.get("cpu") else "GPU"), ("CPU" if spec.cpus else "GPU")
    if has != wants:
        raise OptionError(
            f"endpoint {spec.name} is a {_KINDS[has]} endpoint and can't become a {_KINDS[wants]} endpoint",
            fix=f"choose another name=, or delete it with %flash undeploy {spec.name}",
        )


_FIELDS = {"timeout_ms": "timeout", "data_centers": "dataCenterIds", "volumes": "networkVolumes"}
_KINDS = {"QUEUE": "queue", "LOAD_BALANCER": "load-balanced", "CPU": "CPU", "GPU": "GPU"}


def _plain_changes(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields that are compared and sent as a whole."""
    wanted = {
        "image": spec.image,
        "scaling": spec.scaling.to_api(),
        "timeout_ms": spec.timeout_ms,
        "flashboot": flashboot(spec),
        "data_centers": list(spec.data_centers),
        "volumes": volume_ids(spec) if "volumes" in spec.said else [],
    }
    for name, value in wanted.items():
        key = _FIELDS.get(name, name)
        if name in spec.said and endpoint.get(key) != value:
            yield key, value
    for key, value in spec.container.items():
        if endpoint.get(key) != value:
            yield key, value


def _hardware_changes(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The hardware where it differs; order counts, it is the order of trying."""
    if spec.cpus:
        has = [{"id": cpu.get("id"), "vcpuCount": cpu.get("vcpuCount")} for cpu in endpoint.get("cpu") or []]
        return {} if "cpus" not in spec.said or has == hardware(spec)["cpu"] else hardware(spec)
    wanted, gpu = hardware(spec)["gpu"], endpoint.get("gpu") or {}
    changes: dict[str, Any] = {}
    selection = ("pools", "excludedTypes")
    if "gpus" in spec.said and any((gpu.get(key) or []) != (wanted.get(key) or []) for key in selection):
        # a selection is replaced as a whole: `pools` alone clears what was excluded
        changes.update({key: wanted[key] for key in selection if key in wanted})
    if "gpu_count" in spec.said and gpu.get("count", 1) != spec.gpu_count:
        changes["count"] = spec.gpu_count
    if "cuda_versions" in spec.said and set(gpu.get("allowedCudaVersions") or []) != set(spec.cuda_versions):
        changes["allowedCudaVersions"] = list(spec.cuda_versions)
        if gpu.get("minCudaVersion") and spec.cuda_versions:
            changes["minCudaVersion"] = ""  # the two exclude each other
    return {"gpu": changes} if changes else {}


def _worker_changes(spec: EndpointSpec, workers: Mapping[str, Any]) -> dict[str, int]:
    fields = {"workers_min": "min", "workers_max": "max", "idle_s": "idleTimeout"}
    wanted = {key: getattr(spec, name) for name, key in fields.items() if name in spec.said}
    if all(workers.get(key) == value for key, value in wanted.items()):
        return {}
    merged = {**workers, **wanted}
    if merged.get("min", 0) > merged.get("max", spec.workers_max):
        # only one end was said, and the other, which was not, has to follow it
        merged.update({"min": spec.workers_min, "max": spec.workers_max})
    if not spec.has_idle_timeout:
        merged.pop("idleTimeout", None)
    return merged


def _wanted_env(spec: EndpointSpec, env: Mapping[str, str]) -> dict[str, str]:
    """The user's variables beside the labels and what the platform put there."""
    kept = {key: value for key, value in env.items() if key.startswith(RESERVED) or key in PLATFORM_VARIABLES}
    return {**kept, **spec.env}
