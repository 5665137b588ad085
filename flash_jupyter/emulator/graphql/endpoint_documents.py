"""Endpoints and their templates between the words of GraphQL and the document that REST v2 shows, both ways. Pure.

Source: flash-wire.md 1.3. What `saveEndpoint` sends is an input without nulls here. What REST v2 has no place for is
kept in the document's hidden part `graphql`. Unlike REST v2 this takes CPU instances with one vCPU, and both kinds of
CUDA constraint together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from flash_jupyter import limits
from flash_jupyter.emulator import catalog
from flash_jupyter.emulator.documents import DEFAULTS, check_cards
from flash_jupyter.emulator.problems import Problem

TYPES = {"QB": "QUEUE", "LB": "LOAD_BALANCER"}
#: fields that REST v2 lacks, kept as they were sent
_ONLY_HERE = ("workersPFBTarget", "workersStandby", "idleTimeout", "flashEnvironmentId")
#: of a template: what is not the container's, kept as it was sent
_TEMPLATE_ONLY = ("name", "readme", "startScript", "advancedStart", "config", "volumeInGb")
_INSTANCE = re.compile(r"([a-z0-9]+)-(\d+)-(\d+)")
Document = dict[str, Any]


def new_endpoint(sent: Mapping[str, Any], container: Mapping[str, Any]) -> Document:
    """Return the document of a new endpoint, with the container settings of its template; raises `Problem`."""
    if not sent.get("name"):
        raise Problem(400, "name is needed")
    if not container.get("image"):
        raise Problem(400, "template.imageName or templateId is needed")
    kind = TYPES[sent.get("type", "QB")]
    scaling: Document = {"type": "REQUEST_COUNT" if kind == "LOAD_BALANCER" else "QUEUE_DELAY"}
    empty = {
        "name": "",
        "type": kind,
        "image": "",
        **DEFAULTS,
        "workers": {"min": 0, "max": limits.WORKERS_MAX_DEFAULT, "idleTimeout": limits.IDLE_TIMEOUT_DEFAULT_S},
        "scaling": _scaling(scaling, {"scalerValue": int(limits.QUEUE_DELAY_DEFAULT_S)}),
        "graphql": {},
    }
    document = changed_endpoint(empty, sent, container)
    if "gpu" not in document and "cpu" not in document:
        raise Problem(400, "gpuIds or instanceIds is needed")
    return document


def changed_endpoint(document: Mapping[str, Any], sent: Mapping[str, Any], container: Mapping[str, Any]) -> Document:
    """Return the document changed by what was sent; raises `Problem`. What was not sent stays."""
    kind = TYPES[sent["type"]] if "type" in sent else document["type"]
    if kind != document["type"]:
        raise Problem(400, "the type of an endpoint can't be changed")
    scaling = _scaling(document["scaling"], sent)
    if kind == "LOAD_BALANCER" and scaling["type"] != "REQUEST_COUNT":
        raise Problem(400, "scalerType of an LB endpoint must be REQUEST_COUNT")
    hidden = {**document.get("graphql", {}), **{name: sent[name] for name in _ONLY_HERE if name in sent}}
    if "template" in sent:
        hidden["template"] = {**hidden.get("template", {}), **template_only(sent["template"])}
    return {
        **document,
        **container,
        **_plain(sent),
        **_hardware(document, sent),
        "scaling": scaling,
        "workers": _workers(document, sent, scaling),
        "graphql": hidden,
    }


def container_of(template: Mapping[str, Any]) -> Document:
    """Return what a template says of the container, in REST v2's words; only what was sent. Raises `Problem`."""
    names = {"imageName": "image", "dockerArgs": "args", "containerDiskInGb": "disk"}
    container = {ours: template[theirs] for theirs, ours in names.items() if theirs in template}
    if container.get("disk", 1) < 1:
        raise Problem(400, "containerDiskInGb must be 1 or more")
    if "env" in template:
        container["env"] = {pair["key"]: pair["value"] for pair in template["env"]}
    if "ports" in template:
        container["ports"] = words(template["ports"])
    if "containerRegistryAuthId" in template:
        container["registry"] = template["containerRegistryAuthId"] or None
    return container


def template_only(template: Mapping[str, Any]) -> Document:
    """Return what a template says beyond the container."""
    return {name: template[name] for name in _TEMPLATE_ONLY if name in template}


def without_nulls(value: Any) -> Any:
    """Return an input without its nulls, which say the same as leaving out.

    >>> without_nulls({"id": None, "template": {"env": [{"key": "A"}], "ports": None}})
    {'template': {'env': [{'key': 'A'}]}}
    """
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(member) for member in value] if isinstance(value, list) else value


def words(text: str) -> list[str]:
    """Return the words of a comma-separated text.

    >>> words("AMPERE_48, -NVIDIA RTX A6000,")
    ['AMPERE_48', '-NVIDIA RTX A6000']
    """
    return [word.strip() for word in text.split(",") if word.strip()]


def _plain(sent: Mapping[str, Any]) -> Document:
    changed: Document = {}
    if sent.get("name"):
        changed["name"] = sent["name"]
    if "executionTimeoutMs" in sent:
        changed["timeout"] = sent["executionTimeoutMs"]
    if "locations" in sent:
        changed["dataCenterIds"] = words(sent["locations"])
    if "flashBootType" in sent:
        changed["flashboot"] = sent["flashBootType"]
    if "networkVolumeIds" in sent:
        changed["networkVolumes"] = [volume["networkVolumeId"] for volume in sent["networkVolumeIds"]]
    elif "networkVolumeId" in sent:
        changed["networkVolumes"] = words(sent["networkVolumeId"])
    return changed


def _scaling(old: Mapping[str, Any], sent: Mapping[str, Any]) -> Document:
    kind = sent.get("scalerType") or old["type"]
    value = sent.get("scalerValue", old.get("queueDelay", old.get("requestCount", 0)))
    if value < 1:
        raise Problem(400, "scalerValue must be 1 or more")
    return {"type": kind, "queueDelay" if kind == "QUEUE_DELAY" else "requestCount": value}


def _workers(document: Mapping[str, Any], sent: Mapping[str, Any], scaling: Mapping[str, Any]) -> Document:
    old = document["workers"]
    least, most = sent.get("workersMin", old["min"]), sent.get("workersMax", old["max"])
    if not 0 <= least <= most:
        raise Problem(400, f"workersMin must be 0 to workersMax, but they are {least} and {most}")
    idle_s = sent.get("idleTimeout", idle_timeout_s(document))
    if not limits.IDLE_TIMEOUT_MIN_S <= idle_s <= limits.IDLE_TIMEOUT_MAX_S:
        allowed = f"{limits.IDLE_TIMEOUT_MIN_S} to {limits.IDLE_TIMEOUT_MAX_S} seconds"
        raise Problem(400, f"idleTimeout must be {allowed}, not {idle_s}")
    bounds = {"min": least, "max": most}
    if document["type"] == "QUEUE" and scaling["type"] == "REQUEST_COUNT":  # REST v2 has none for this combination
        return bounds
    return {**bounds, "idleTimeout": idle_s}


def idle_timeout_s(document: Mapping[str, Any]) -> int:
    """Return the idle timeout in seconds, also where REST v2 shows none."""
    hidden = document.get("graphql", {}).get("idleTimeout", limits.IDLE_TIMEOUT_DEFAULT_S)
    return int(document["workers"].get("idleTimeout", hidden))


def _hardware(document: Mapping[str, Any], sent: Mapping[str, Any]) -> Document:
    """`instanceIds` makes a CPU endpoint, also beside empty `gpuIds` (flash-wire.md 0, row 11)."""
    family = "cpu" if sent.get("instanceIds") else "gpu" if sent.get("gpuIds") else None
    if family is not None and any(name in document for name in ("cpu", "gpu")) and family not in document:
        raise Problem(400, "the compute family of an endpoint can't be changed")
    if family == "cpu":
        return {"cpu": [cpu_of_instance(instance) for instance in sent["instanceIds"]]}
    if family == "gpu" or "gpu" in document:
        return {"gpu": _gpu(document.get("gpu", {}), sent)}
    return {}


def cpu_of_instance(instance: str) -> Document:
    """Return the CPU configuration of an instance id, or raise `Problem`.

    >>> cpu_of_instance("cpu3g-1-4")
    {'id': 'cpu3g', 'vcpuCount': 1, 'memory': 4}
    """
    match = _INSTANCE.fullmatch(instance)
    flavor, vcpus, memory = (match[1], int(match[2]), int(match[3])) if match else ("", 0, 0)
    if memory < 1 or catalog.cpu_memory_gb(flavor, vcpus, least=1) != memory:
        raise Problem(400, f"unknown instance id {instance!r}; flavours are {', '.join(catalog.CPU_FLAVORS)}")
    return {"id": flavor, "vcpuCount": vcpus, "memory": memory}


def _gpu(old: Mapping[str, Any], sent: Mapping[str, Any]) -> Document:
    tokens = words(sent.get("gpuIds", ""))
    pools = [token for token in tokens if not token.startswith("-")] or list(old.get("pools", []))
    excluded = [token[1:] for token in tokens if token.startswith("-")] if tokens else old.get("excludedTypes", [])
    check_cards(pools, excluded)
    versions = old.get("allowedCudaVersions", [])
    return {
        "pools": pools,
        **({"excludedTypes": excluded} if excluded else {}),
        "count": sent.get("gpuCount") or old.get("count", 1),
        "allowedCudaVersions": words(sent["allowedCudaVersions"]) if "allowedCudaVersions" in sent else versions,
        "minCudaVersion": sent.get("minCudaVersion", old.get("minCudaVersion")) or None,
    }


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
