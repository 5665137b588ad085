"""An endpoint and its template as GraphQL shows them (flash-wire.md 1.3), whichever interface made them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flash_jupyter.emulator.graphql.endpoint_input import TYPES, idle_timeout_s

#: there is one user here
USER_ID = "user_local"
_TYPES_OUT = {ours: theirs for theirs, ours in TYPES.items()}


def show_endpoint(endpoint_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `Endpoint` that the document says; the others are the caller's."""
    hidden = document.get("graphql", {})
    scaling, workers = document["scaling"], document["workers"]
    volumes = document["networkVolumes"]
    return {
        "id": endpoint_id,
        "name": document["name"],
        "type": _TYPES_OUT[document["type"]],
        "userId": USER_ID,
        **_show_hardware(document),
        "idleTimeout": idle_timeout_s(document),
        "executionTimeoutMs": document["timeout"],
        "scalerType": scaling["type"],
        "scalerValue": math.ceil(scaling.get("queueDelay", scaling.get("requestCount"))),
        "workersMin": workers["min"],
        "workersMax": workers["max"],
        "workersStandby": hidden.get("workersStandby", 0),
        "workersPFBTarget": hidden.get("workersPFBTarget", 0),
        "locations": ",".join(document["dataCenterIds"]) or None,
        "networkVolumeId": volumes[0] if volumes else None,
        "flashBootType": document["flashboot"],
        "flashEnvironmentId": hidden.get("flashEnvironmentId"),
        "idePodId": None,
    }


def _show_hardware(document: Mapping[str, Any]) -> dict[str, Any]:
    if "cpu" in document:
        instances = [f"{cpu['id']}-{cpu['vcpuCount']}-{cpu['memory']}" for cpu in document["cpu"]]
        nothing = {"gpuIds": "", "gpuCount": 0, "allowedCudaVersions": "", "minCudaVersion": None}
        return {"instanceIds": instances, **nothing}
    gpu = document["gpu"]
    return {
        "instanceIds": [],
        "gpuIds": ",".join([*gpu["pools"], *(f"-{card}" for card in gpu.get("excludedTypes", []))]),
        "gpuCount": gpu["count"],
        "allowedCudaVersions": ",".join(gpu["allowedCudaVersions"]),
        "minCudaVersion": gpu["minCudaVersion"],
    }


def show_template(template_id: str, container: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """Return `PodTemplate`: the container's settings in REST v2's words, and what GraphQL has beyond them."""
    return {
        "id": template_id,
        "name": rest.get("name", ""),
        "imageName": container["image"],
        "dockerArgs": container["args"],
        "containerDiskInGb": container["disk"],
        "containerRegistryAuthId": container["registry"] or "",
        "env": [{"key": name, "value": value} for name, value in container["env"].items()],
        "ports": ",".join(container["ports"]),
        "readme": rest.get("readme", ""),
        "startScript": rest.get("startScript", ""),
        "advancedStart": rest.get("advancedStart", False),
        "config": rest.get("config", {}),
        "volumeInGb": rest.get("volumeInGb", 0),
    }
