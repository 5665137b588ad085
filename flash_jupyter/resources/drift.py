"""What differs between an endpoint that exists and what the user said: the body of a PATCH, field by field. Pure.

What the user did not say stays as it is, and the labels of an endpoint never change; one may come later, that instances
of a remote class live there: such an endpoint keeps one worker, whoever asks for more. Where the platform replaces a
field as a whole (`env`, `workers`, `cpu`), what must stay is said again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.endpoint import (
    INSTANCES,
    RESERVED,
    EndpointSpec,
    default_disk_gb,
    flashboot,
    hardware,
    home_label,
    volume_ids,
)
from flash_jupyter.resources.hardware import CPUS
from flash_jupyter.resources.images import python_of, show_python

Changes = Iterator[tuple[str, Any]]

#: variables that the platform keeps in an endpoint's environment by itself (REST v2 document, `EndpointType`)
PLATFORM_VARIABLES = ("PORT", "PORT_HEALTH", "HEALTH_CHECK_PATH")


def patch_body(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `UpdateEndpointRequest` that brings `endpoint` (REST v2) to what the user said; empty if it is there.

    `check_change` has allowed it. A stored template is read when an endpoint is made, and leaves no trace to compare.
    """
    parts = (_plain_changes, _set_changes, _hardware_changes, _worker_changes, _env_changes)
    return {key: value for part in parts for key, value in part(spec, endpoint)}


def is_held_at_one(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> bool:
    """Whether the user asks for more workers than an endpoint has in which instances of a remote class live."""
    return _has_instances(endpoint) and (
        ("workers_max" in spec.said and spec.workers_max > 1) or ("workers_min" in spec.said and spec.workers_min > 1)
    )


def check_change(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> None:
    """Raise `OptionError` for what no change brings: another type, CPU for GPU, another Python, one vCPU."""
    _check_kind(spec, endpoint)
    _check_python(spec, str(endpoint.get("image") or ""))
    _check_vcpus(spec, endpoint)


def _check_kind(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> None:
    has, wants = str(endpoint.get("type") or "QUEUE"), str(spec.type)
    if has == wants and "family" in spec.said:
        has, wants = ("CPU" if endpoint.get("cpu") else "GPU"), ("CPU" if spec.cpus else "GPU")
    if has != wants:
        raise OptionError(
            f"endpoint {spec.name} is a {_KINDS[has]} endpoint and can't become a {_KINDS[wants]} endpoint",
            fix=f"choose another name=, or delete it with %flash undeploy {spec.name}",
        )


_KINDS = {"QUEUE": "queue", "LOAD_BALANCER": "load-balanced", "CPU": "CPU", "GPU": "GPU"}


def _check_python(spec: EndpointSpec, image: str) -> None:
    """Two kernels of different Pythons can't share workers; the embedded Runpod tells them apart by interpreter."""
    theirs = python_of(image)
    if spec.python and theirs and theirs != spec.python and not spec.interpreter:
        raise OptionError(
            f"endpoint {spec.name} runs Python {show_python(theirs)}, and this is Python {show_python(spec.python)}",
            fix=f"choose another name=, or delete it with %flash undeploy {spec.name}",
        )


def _check_vcpus(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> None:
    """REST v2 takes no instance with one vCPU (its document, `BaseCpuConfig`): it can be made, over GraphQL, only."""
    small = next((cpu for cpu in spec.cpus if CPUS[cpu].vcpus < limits.CPU_VCPUS_MIN), None)
    if small and "cpus" in spec.said and _cpus_of(endpoint) != hardware(spec)["cpu"]:
        has = ", ".join(f"{cpu['id']} {cpu['vcpuCount']} vCPU" for cpu in _cpus_of(endpoint))
        raise OptionError(
            f"endpoint {spec.name} has {has or 'no CPU workers'} and can't be changed to {small}:"
            " the platform gives one vCPU to new endpoints only",
            fix=f"choose at least {limits.CPU_VCPUS_MIN} vCPUs or another name=, or delete it with"
            f" %flash undeploy {spec.name}",
        )


def _cpus_of(endpoint: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"id": cpu.get("id"), "vcpuCount": cpu.get("vcpuCount")} for cpu in endpoint.get("cpu") or []]


def _plain_changes(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> Changes:
    """Fields that are compared and sent as a whole."""
    wanted = {
        "image": ("image", spec.image),
        "scaling": ("scaling", spec.scaling.to_api()),
        "timeout_ms": ("timeout", spec.timeout_ms),
    }
    for name, (key, value) in wanted.items():
        if name in spec.said and endpoint.get(key) != value:
            yield key, value
    for key, value in spec.container.items():
        if endpoint.get(key) != value:
            yield key, value
    # there are two kinds of on, and the user says only on or off
    if "flashboot" in spec.said and (endpoint.get("flashboot", "OFF") != "OFF") != spec.flashboot:
        yield "flashboot", flashboot(spec)


def _set_changes(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> Changes:
    """Lists whose order means nothing."""
    wanted = {
        "data_centers": ("dataCenterIds", list(spec.data_centers)),
        "volumes": ("networkVolumes", volume_ids(spec)),
    }
    for name, (key, value) in wanted.items():
        if name in spec.said and set(endpoint.get(key) or []) != set(value):
            yield key, value


def _hardware_changes(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> Changes:
    """The hardware where it differs; order counts, it is the order of trying."""
    wanted = hardware(spec)
    if spec.cpus:
        if "cpus" in spec.said and _cpus_of(endpoint) != wanted["cpu"]:
            yield "cpu", wanted["cpu"]
            if "disk" not in spec.container and (endpoint.get("disk") or 0) > default_disk_gb(spec):
                yield "disk", default_disk_gb(spec)  # what the larger instance had is more than this one may have
    elif changes := _gpu_changes(spec, wanted["gpu"], endpoint.get("gpu") or {}):
        yield "gpu", changes


def _gpu_changes(spec: EndpointSpec, wanted: Mapping[str, Any], gpu: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    selection = ("pools", "excludedTypes")
    if "gpus" in spec.said and any((gpu.get(key) or []) != (wanted.get(key) or []) for key in selection):
        # replaced as a whole: `pools` alone clears what was excluded (REST v2 document, `excludedTypes`)
        changes.update({key: wanted[key] for key in selection if key in wanted})
    if "gpu_count" in spec.said and gpu.get("count", 1) != spec.gpu_count:
        changes["count"] = spec.gpu_count
    if "cuda_versions" in spec.said and set(gpu.get("allowedCudaVersions") or []) != set(spec.cuda_versions):
        changes["allowedCudaVersions"] = list(spec.cuda_versions)
        if gpu.get("minCudaVersion") and spec.cuda_versions:
            changes["minCudaVersion"] = ""  # the two exclude each other
    return changes


def _worker_changes(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> Changes:
    workers = endpoint.get("workers") or {}
    if _has_instances(endpoint):  # a second worker would not know them
        spec = replace(spec, workers_min=min(spec.workers_min, 1), workers_max=min(spec.workers_max, 1))
    fields = {"workers_min": "min", "workers_max": "max", "idle_s": "idleTimeout"}
    wanted = {key: getattr(spec, name) for name, key in fields.items() if name in spec.said}
    if all(workers.get(key) == value for key, value in wanted.items()):
        return
    merged = {**workers, **wanted}
    if merged.get("min", 0) > merged.get("max", spec.workers_max):
        # only one end was said, and the other has to follow it
        merged.update({"min": spec.workers_min, "max": spec.workers_max})
    if not spec.has_idle_timeout:
        merged.pop("idleTimeout", None)
    yield "workers", merged


def _env_changes(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> Changes:
    """The user's variables, beside the labels and what the platform put there."""
    env = endpoint.get("env") or {}
    # what a stored template brought can't be told from what the user no longer says
    kept = {k: v for k, v in env.items() if spec.template_id or k.startswith(RESERVED) or k in PLATFORM_VARIABLES}
    wanted = {**({**kept, **spec.env} if "env" in spec.said else env), **home_label(spec)}
    if env != wanted:
        yield "env", wanted


def _has_instances(endpoint: Mapping[str, Any]) -> bool:
    return INSTANCES in (endpoint.get("env") or {})
