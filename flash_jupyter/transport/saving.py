"""What `saveEndpoint` of GraphQL is given to make an endpoint that REST v2 refuses: CPU workers with one vCPU. Pure.

Source: flash-wire reference 1.3, REST v2 document (`BaseCpuConfig`). It goes with `transport/apps.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter import limits
from flash_jupyter.resources.hardware import cpu_instance

TYPES = {"QUEUE": "QB", "LOAD_BALANCER": "LB"}
#: field of `CreateEndpointRequest` -> field of `EndpointInput`, where only the name differs
_RENAMED = {"name": "name", "timeout": "executionTimeoutMs", "flashboot": "flashBootType"}
_TEMPLATE = {
    "image": "imageName",
    "disk": "containerDiskInGb",
    "args": "dockerArgs",
    "registry": "containerRegistryAuthId",
}


def is_refused_by_rest(body: Mapping[str, Any]) -> bool:
    """Whether REST v2 does not take this `CreateEndpointRequest`.

    >>> is_refused_by_rest({"cpu": [{"id": "cpu3c", "vcpuCount": 1}]}), is_refused_by_rest({"gpu": {}})
    (True, False)
    """
    return any(cpu["vcpuCount"] < limits.CPU_VCPUS_MIN for cpu in body.get("cpu") or ())


def save_input(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `EndpointInput` that says the same as a `CreateEndpointRequest` for CPUs."""
    workers, scaling = body["workers"], body["scaling"]
    volumes = list(body.get("networkVolumes") or ())
    places = ",".join(body.get("dataCenterIds") or ())
    optional = {
        "idleTimeout": workers.get("idleTimeout"),
        "locations": places or None,
        "networkVolumeId": volumes[0] if len(volumes) == 1 else None,
        "networkVolumeIds": [{"networkVolumeId": volume} for volume in volumes] if len(volumes) > 1 else None,
        "templateId": body.get("templateId"),
    }
    return {
        **{theirs: body[ours] for ours, theirs in _RENAMED.items() if ours in body},
        "type": TYPES[body["type"]],
        "instanceIds": [cpu_instance(cpu["id"], cpu["vcpuCount"]) for cpu in body["cpu"]],
        "workersMin": workers["min"],
        "workersMax": workers["max"],
        "scalerType": scaling["type"],
        "scalerValue": scaling.get("queueDelay", scaling.get("requestCount")),
        **{name: value for name, value in optional.items() if value is not None},
        "template": _template(body),
    }


def _template(body: Mapping[str, Any]) -> dict[str, Any]:
    """The container; its name is the account's, so that two endpoints of one name do not share a template."""
    env = body.get("env") or {}
    return {
        "name": f"{body['name']}__{env.get('FLASH_JUPYTER_CREATED', 'flash')}",
        **{theirs: body[ours] for ours, theirs in _TEMPLATE.items() if ours in body},
        **({"ports": ",".join(body["ports"])} if body.get("ports") else {}),
        "env": [{"key": key, "value": value} for key, value in env.items()],
    }
