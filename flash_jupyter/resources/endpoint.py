"""The endpoint behind a cell: made from options and settings, and spelt as REST v2 wants it.

Rule of the file: pure. Two cells with the same hardware, Python, count and owner get the same spec, so they share one
endpoint; code, inputs and `deps=` are no part of it. What the user did not say never changes an endpoint that exists.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.hardware import ANY, CPUS, pools_of
from flash_jupyter.resources.options import RemoteOptions

#: published images of the stock worker; GPU and CPU (flash-wire reference 5.6, tags `py<version>-latest`)
GPU_IMAGE, CPU_IMAGE = "runpod/flash", "runpod/flash-cpu"
#: an endpoint without a job is an orphan after this long (D11)
LIFETIME = timedelta(hours=24)

OWNER, CREATED, EXPIRES = "FLASH_JUPYTER_OWNER", "FLASH_JUPYTER_CREATED", "FLASH_JUPYTER_EXPIRES"
#: understood by the embedded Runpod: the interpreter that its workers run
INTERPRETER = "FLASH_JUPYTER_PYTHON"


@dataclass(frozen=True)
class EndpointSpec:
    """What a cell asks for. `workers` and `idle_s` are None where the user said nothing.

    `interpreter` is the kernel's Python on the embedded Runpod and None elsewhere: two virtual environments get two
    endpoints there.
    """

    name: str
    image: str
    owner: str
    gpus: tuple[str, ...] = ()
    gpu_count: int = 1
    cpus: tuple[str, ...] = ()
    workers: tuple[int, int] | None = None
    idle_s: int | None = None
    interpreter: str | None = None

    def matches(self, name: str, env: Mapping[str, str]) -> bool:
        """Whether an endpoint with this name and environment is the one meant."""
        return name == self.name and env.get(INTERPRETER) == self.interpreter


def endpoint_spec(
    options: RemoteOptions,
    *,
    owner: str,
    interpreter: str | None = None,
    python: tuple[int, int] = (sys.version_info[0], sys.version_info[1]),
) -> EndpointSpec:
    """Make the spec that `options` describe for this owner, interpreter and Python."""
    family = CPU_IMAGE if options.cpu else GPU_IMAGE
    return EndpointSpec(
        name=options.name or default_name(options, owner=owner, interpreter=interpreter, python=python),
        image=f"{family}:py{python[0]}.{python[1]}-latest",
        owner=owner,
        gpus=() if options.cpu else (options.gpu or (ANY,)),
        gpu_count=options.count,
        cpus=options.cpu,
        workers=options.workers,
        idle_s=options.idle,
        interpreter=interpreter,
    )


def default_name(options: RemoteOptions, *, owner: str, interpreter: str | None, python: tuple[int, int]) -> str:
    """Return `flash-<hardware>-py311-<owner>`, with the interpreter's mark on the embedded Runpod.

    >>> default_name(RemoteOptions(gpu=("AMPERE_80",)), owner="Ann B", interpreter=None, python=(3, 11))
    'flash-ampere-80-py311-ann-b'
    """
    hardware = "-".join(options.cpu or options.gpu or (ANY,))
    count = f"-x{options.count}" if options.count > 1 else ""
    mark = f"-{_digest(interpreter, 6)}" if interpreter else ""
    return _slug(f"flash-{_bounded(_slug(hardware))}{count}-py{python[0]}{python[1]}-{owner}") + mark


def create_body(spec: EndpointSpec, *, now: datetime) -> dict[str, Any]:
    """Return the `CreateEndpointRequest` of REST v2 for `spec`; `now` is in UTC."""
    low, high = spec.workers or (0, limits.OUR_WORKERS_MAX)
    return {
        "name": spec.name,
        "type": "QUEUE",
        "image": spec.image,
        "env": labels(spec, now=now),
        **_hardware(spec),
        "workers": {"min": low, "max": high, "idleTimeout": spec.idle_s or limits.OUR_IDLE_TIMEOUT_S},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": int(limits.QUEUE_DELAY_DEFAULT_S)},
        # `timeout=` is the job's policy, which goes before this (Runpod docs, send-requests)
        "timeout": int(limits.OUR_EXECUTION_TIMEOUT_S) * 1000,
        "flashboot": "FLASHBOOT",
    }


def labels(spec: EndpointSpec, *, now: datetime) -> dict[str, str]:
    """Return the endpoint's environment: who made it, when, until when; never changed afterwards."""
    env = {OWNER: spec.owner, CREATED: _timestamp(now), EXPIRES: _timestamp(now + LIFETIME)}
    return {**env, INTERPRETER: spec.interpreter} if spec.interpreter else env


def patch_body(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `UpdateEndpointRequest` that brings `endpoint` (REST v2) to what the user said; empty if it is there.

    Raises `OptionError` when a CPU endpoint should become a GPU endpoint, or the other way round: the API refuses that.
    """
    if spec.gpus != (ANY,) and bool(endpoint.get("cpu")) != bool(spec.cpus):
        has, wants = ("CPU", "GPU") if endpoint.get("cpu") else ("GPU", "CPU")
        raise OptionError(
            f"endpoint {spec.name} is a {has} endpoint and can't become a {wants} endpoint",
            fix=f"choose another name=, or delete it with %flash undeploy {spec.name}",
        )
    changes = {
        **_changed_hardware(spec, endpoint),
        "workers": _changed_workers(spec, endpoint.get("workers") or {}),
    }
    return {key: value for key, value in changes.items() if value}


def _hardware(spec: EndpointSpec) -> dict[str, Any]:
    if spec.cpus:
        chosen = (CPUS[cpu] for cpu in spec.cpus)
        return {"cpu": [{"id": cpu.flavor, "vcpuCount": cpu.vcpus} for cpu in chosen]}
    pools, excluded = pools_of(spec.gpus)
    gpu: dict[str, Any] = {"pools": list(pools), "count": spec.gpu_count}
    return {"gpu": {**gpu, "excludedTypes": list(excluded)} if excluded else gpu}


def _changed_hardware(spec: EndpointSpec, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The hardware where the user named some and it differs; order counts, it is the order of trying."""
    if spec.gpus == (ANY,):
        return {}
    wanted = _hardware(spec)
    if spec.cpus:
        has = [{"id": cpu.get("id"), "vcpuCount": cpu.get("vcpuCount")} for cpu in endpoint.get("cpu") or []]
        return {} if has == wanted["cpu"] else wanted
    gpu = endpoint.get("gpu") or {}
    same = all((gpu.get(key) or []) == (wanted["gpu"].get(key) or []) for key in ("pools", "count", "excludedTypes"))
    return {} if same else wanted


def _changed_workers(spec: EndpointSpec, workers: Mapping[str, Any]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    if spec.workers:
        wanted.update({"min": spec.workers[0], "max": spec.workers[1]})
    if spec.idle_s:
        wanted["idleTimeout"] = spec.idle_s
    return {} if all(workers.get(key) == value for key, value in wanted.items()) else {**workers, **wanted}


def _bounded(hardware: str, size: int = 48) -> str:
    """Shorten a long list of hardware, keeping it unique."""
    return hardware if len(hardware) <= size else f"{hardware[: size - 7]}-{_digest(hardware, 6)}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _digest(text: str | None, size: int) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()[:size]


def _timestamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
