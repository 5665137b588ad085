"""The configuration of an endpoint as flat fields: of what is wanted, and of what the platform has. Pure.

Both sides come to the same words, so that a plan compares plain values, and what was read can be written again: an
update that fails gets its old fields back. Labels that only say who made an endpoint and when are no part of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flash_jupyter.deploy.plan import ENV
from flash_jupyter.resources.drift import PLATFORM_VARIABLES
from flash_jupyter.resources.endpoint import RESERVED, EndpointSpec, default_disk_gb, volume_ids
from flash_jupyter.resources.hardware import ANY, cpu_instance, pools_of
from flash_jupyter.transport.saving import TYPES
from flash_jupyter.wire.control import Endpoint

Fields = dict[str, Any]

#: changed sources are another value of this variable, which makes the platform exchange the workers (flash-wire.md 7.4)
FINGERPRINT = "_FLASH_SOURCE_FINGERPRINT"


def fields_of_spec(spec: EndpointSpec, env: Mapping[str, str]) -> Fields:
    """Return the fields that are wanted; `env` is the whole environment. Volumes without an id stand by their label."""
    resolved = not spec.unresolved_volumes
    volumes = volume_ids(spec) if resolved else [volume.id or f"{volume.label} (new)" for volume in spec.volumes]
    container = {"disk": default_disk_gb(spec), **spec.container}
    return {
        "type": TYPES[spec.type],
        **_wanted_hardware(spec),
        "workers.min": spec.workers_min,
        "workers.max": spec.workers_max,
        **({"idleTimeout": spec.idle_s} if spec.has_idle_timeout else {}),
        "scalerType": spec.scaling.type,
        "scalerValue": spec.scaling.value,
        "executionTimeoutMs": spec.timeout_ms,
        "flashboot": spec.flashboot,
        "locations": sorted(spec.data_centers),
        "volumes": sorted(volumes),
        "image": spec.image or "",
        "disk": container["disk"],
        "dockerArgs": container.get("args") or "",
        "ports": list(container.get("ports") or ()),
        "registry": container.get("registry") or "",
        **_variables(env),
    }


def fields_of_endpoint(endpoint: Endpoint) -> Fields:
    """Return the fields that the platform shows (REST v2)."""
    scaling, workers = endpoint.scaling, endpoint.workers
    kind = scaling.get("type", "QUEUE_DELAY")
    return {
        "type": TYPES.get(endpoint.type, endpoint.type),
        **_shown_hardware(endpoint),
        "workers.min": workers.get("min", 0),
        "workers.max": workers.get("max", 0),
        **({"idleTimeout": workers["idleTimeout"]} if "idleTimeout" in workers else {}),
        "scalerType": kind,
        "scalerValue": scaling.get("queueDelay" if kind == "QUEUE_DELAY" else "requestCount"),
        "executionTimeoutMs": endpoint.timeout,
        "flashboot": endpoint.flashboot != "OFF",
        "locations": sorted(endpoint.data_centers),
        "volumes": sorted(endpoint.network_volumes),
        "image": endpoint.image or "",
        "disk": endpoint.disk,
        "dockerArgs": endpoint.args or "",
        "ports": [port for port in endpoint.ports or [] if port],
        "registry": endpoint.registry or "",
        **_variables(endpoint.env),
    }


def digest(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a configuration, hex."""
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()


def save_input(name: str, fields: Mapping[str, Any], env: Mapping[str, str], template: str) -> dict[str, Any]:
    """Return the input of `saveEndpoint` (flash-wire.md 1.3): `env` is the whole environment, labels too."""
    volumes = fields["volumes"]
    attached = {"networkVolumeId": volumes[0]} if len(volumes) == 1 else {}
    if len(volumes) > 1:
        attached = {"networkVolumeIds": [{"networkVolumeId": volume} for volume in volumes]}
    return {
        "name": name,
        "type": fields["type"],
        **_saved_hardware(fields),
        "workersMin": fields["workers.min"],
        "workersMax": fields["workers.max"],
        **({"idleTimeout": fields["idleTimeout"]} if "idleTimeout" in fields else {}),
        "executionTimeoutMs": fields["executionTimeoutMs"],
        "scalerType": fields["scalerType"],
        "scalerValue": fields["scalerValue"],
        "flashBootType": "FLASHBOOT" if fields["flashboot"] else "OFF",
        **({"locations": ",".join(fields["locations"])} if fields["locations"] else {}),
        **attached,
        "template": {
            "name": template,
            "imageName": fields["image"],
            "containerDiskInGb": fields["disk"],
            "dockerArgs": fields["dockerArgs"],
            "ports": ",".join(fields["ports"]),
            "containerRegistryAuthId": fields["registry"],
            "env": [{"key": key, "value": value} for key, value in env.items()],
        },
    }


def _variables(env: Mapping[str, str]) -> Fields:
    """The variables as fields; the fingerprint has a name of its own, for it is no secret and says what changed."""
    shown = {ENV + name: value for name, value in env.items() if not _is_label(name) and name != FINGERPRINT}
    return {"code": env.get(FINGERPRINT, "")[:12], **shown}


def _is_label(name: str) -> bool:
    return name.startswith(RESERVED) or name in PLATFORM_VARIABLES


def _wanted_hardware(spec: EndpointSpec) -> Fields:
    if spec.cpus:
        return {"family": "cpu", "cpus": list(spec.cpus)}
    pools, excluded = pools_of(spec.gpus or (ANY,))
    return {
        "family": "gpu",
        "gpus": [*pools, *(f"-{card}" for card in excluded)],
        "gpuCount": spec.gpu_count,
        "cudaVersions": sorted(spec.cuda_versions),
    }


def _shown_hardware(endpoint: Endpoint) -> Fields:
    if endpoint.cpu:
        return {"family": "cpu", "cpus": [_instance(each) for each in endpoint.cpu]}
    gpu = endpoint.gpu or {}
    return {
        "family": "gpu",
        "gpus": [*gpu.get("pools", []), *(f"-{card}" for card in gpu.get("excludedTypes") or [])],
        "gpuCount": gpu.get("count", 1),
        "cudaVersions": sorted(gpu.get("allowedCudaVersions") or []),
    }


def _saved_hardware(fields: Mapping[str, Any]) -> Fields:
    if fields["family"] == "cpu":
        return {"instanceIds": fields["cpus"]}
    return {
        "gpuIds": ",".join(fields["gpus"]),
        "gpuCount": fields["gpuCount"],
        "allowedCudaVersions": ",".join(fields["cudaVersions"]),
    }


def _instance(shown: Mapping[str, Any]) -> str:
    """The instance id of a flavour with so many vCPUs; REST v2 shows the two apart."""
    known = cpu_instance(shown.get("id"), shown.get("vcpuCount"))
    return known or f"{shown.get('id')}-{shown.get('vcpuCount')}-{shown.get('memory')}"


def with_volumes(spec: EndpointSpec, known: Mapping[Any, str]) -> EndpointSpec:
    """Return the spec with the ids of those of its volumes that exist."""
    found = (v if v.id or v not in known else v.model_copy(update={"id": known[v]}) for v in spec.volumes)
    return replace(spec, volumes=tuple(found))
