"""One endpoint as we ask for it, whoever asked: the options of a cell, or a class of the SDK.

Rule of the file: pure. Two cells with the same hardware, Python, count, volume and owner get the same name, so they
share one endpoint; code, inputs and `deps=` are no part of it. `said` tells what the user said: the rest has our
defaults when the endpoint is made, and never changes one that exists (`drift`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from flash_jupyter import limits
from flash_jupyter.resources.hardware import ANY, CPUS, pools_of
from flash_jupyter.resources.images import Images, check_published, read_python
from flash_jupyter.resources.naming import Caller, default_name
from flash_jupyter.resources.options import RemoteOptions
from flash_jupyter.resources.volume import NetworkVolume, parse_volume

EndpointType = Literal["QUEUE", "LOAD_BALANCER"]
ScalerType = Literal["QUEUE_DELAY", "REQUEST_COUNT"]

THIS_PYTHON = (sys.version_info[0], sys.version_info[1])
#: begins every variable that is ours; users can't set them
RESERVED = "FLASH_JUPYTER_"
OWNER, CREATED, EXPIRES = f"{RESERVED}OWNER", f"{RESERVED}CREATED", f"{RESERVED}EXPIRES"
#: on an endpoint in which instances of a remote class live: whoever uses it leaves it at one worker
INSTANCES = f"{RESERVED}INSTANCES"
#: understood by the embedded Runpod: the interpreter that its workers run
INTERPRETER = f"{RESERVED}PYTHON"


@dataclass(frozen=True)
class Scaling:
    """What adds workers: `value` is seconds in the queue, or requests a worker."""

    type: ScalerType = "QUEUE_DELAY"
    value: float = limits.QUEUE_DELAY_DEFAULT_S

    def to_api(self) -> dict[str, Any]:
        """Return `EndpointScaling` of REST v2.

        >>> Scaling("REQUEST_COUNT", 4).to_api()
        {'type': 'REQUEST_COUNT', 'requestCount': 4}
        """
        whole = int(self.value) if self.value == int(self.value) else self.value
        return {"type": self.type, "queueDelay" if self.type == "QUEUE_DELAY" else "requestCount": whole}


@dataclass(frozen=True)
class EndpointSpec:
    """What is asked for. `said` has the names of the fields that the user gave; `family` there means GPU or CPU.

    `interpreter` is the kernel's Python on the embedded Runpod and None elsewhere: two virtual environments get two
    endpoints there. `image` is None where a stored template brings it. `timeout_ms` is of a job, `idle_s` of a worker.
    `python` is the minor version that the image has to have, None where the user named the image. `has_instances`
    says that instances of a remote class live there, so that it has one worker.
    """

    name: str
    image: str | None
    owner: str
    type: EndpointType = "QUEUE"
    gpus: tuple[str, ...] = ()
    gpu_count: int = 1
    cuda_versions: tuple[str, ...] = ()
    cpus: tuple[str, ...] = ()
    workers_min: int = 0
    workers_max: int = limits.OUR_WORKERS_MAX
    idle_s: int = limits.OUR_IDLE_TIMEOUT_S
    scaling: Scaling = Scaling()
    timeout_ms: int = int(limits.OUR_EXECUTION_TIMEOUT_S * 1000)
    flashboot: bool = True
    data_centers: tuple[str, ...] = ()
    volumes: tuple[NetworkVolume, ...] = ()
    template_id: str | None = None
    container: Mapping[str, Any] = field(default_factory=dict, hash=False)
    env: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    interpreter: str | None = None
    python: tuple[int, int] | None = None
    said: frozenset[str] = frozenset()
    has_instances: bool = False
    #: a label that is given once; another one is no other endpoint
    ttl_s: int = field(default=limits.OUR_TTL_S, compare=False)

    @property
    def is_load_balanced(self) -> bool:
        """Whether HTTP requests go to its workers, instead of jobs to its queue."""
        return self.type == "LOAD_BALANCER"

    @property
    def has_idle_timeout(self) -> bool:
        """Whether the platform takes an idle timeout: not for a queue that scales on requests (REST v2, workers)."""
        return self.is_load_balanced or self.scaling.type == "QUEUE_DELAY"

    @property
    def unresolved_volumes(self) -> tuple[NetworkVolume, ...]:
        """Volumes that are known by name only; `with_volume_ids` takes their ids."""
        return tuple(volume for volume in self.volumes if not volume.id)

    def with_volume_ids(self, ids: Mapping[NetworkVolume, str]) -> EndpointSpec:
        """Return the spec with the ids of its volumes: one name may stand for a volume in each data centre."""
        found = (v if v.id else NetworkVolume(id=ids[v], **v.model_dump(exclude={"id"})) for v in self.volumes)
        return replace(self, volumes=tuple(found))

    def matches(self, name: str, env: Mapping[str, str]) -> bool:
        """Whether an endpoint with this name and environment is the one meant."""
        return name == self.name and env.get(INTERPRETER) == self.interpreter


def endpoint_spec(
    options: RemoteOptions,
    *,
    owner: str,
    interpreter: str | None = None,
    python: tuple[int, int] = THIS_PYTHON,
    images: Images | None = None,
    ttl_s: int = limits.OUR_TTL_S,
) -> EndpointSpec:
    """Make the spec that the options of a cell describe for this owner, interpreter and Python.

    `python` is the caller's, for who asks for no other. Raises `OptionError` where no image is published for it.
    """
    if options.python:
        python = read_python(options.python)
        if interpreter is None and not options.image:
            check_published(python)
    caller = Caller(owner, python, interpreter, images or Images())
    load_balanced = options.via == "lb"
    volume = parse_volume(options.volume, data_center=options.datacenter) if options.volume else None
    places = (options.datacenter,) if options.datacenter else ((volume.place,) if volume and volume.place else ())
    low, high = options.workers or (0, limits.OUR_WORKERS_MAX)
    return EndpointSpec(
        name=options.name
        or default_name(
            options.cpu or options.gpu or (ANY,),
            caller,
            count=options.count,
            volume=volume.label if volume else "",
            load_balanced=load_balanced,
            image=options.image,
        ),
        image=options.image
        or caller.images.reference(cpu=bool(options.cpu), load_balanced=load_balanced, python=python),
        owner=owner,
        type="LOAD_BALANCER" if load_balanced else "QUEUE",
        gpus=() if options.cpu else (options.gpu or (ANY,)),
        gpu_count=options.count,
        cpus=options.cpu,
        workers_min=low,
        workers_max=high,
        idle_s=options.idle or limits.OUR_IDLE_TIMEOUT_S,
        scaling=Scaling("REQUEST_COUNT", limits.OUR_REQUEST_COUNT) if load_balanced else Scaling(),
        data_centers=tuple(place for place in places if place),
        volumes=(volume,) if volume else (),
        interpreter=interpreter,
        python=None if options.image else python,
        said=_said(options),
        ttl_s=options.ttl or ttl_s,
    )


def _said(options: RemoteOptions) -> frozenset[str]:
    """Which fields of the spec the options give a value."""
    given = {
        "family": options.cpu or (options.gpu and ANY not in options.gpu),
        "gpus": options.gpu and ANY not in options.gpu,
        "cpus": options.cpu,
        "gpu_count": options.count > 1,
        "workers_min": options.workers,
        "workers_max": options.workers,
        "idle_s": options.idle,
        "image": options.image,
        "data_centers": options.datacenter or options.volume,
        "volumes": options.volume,
    }
    return frozenset(name for name, value in given.items() if value)


def create_body(spec: EndpointSpec, *, now: datetime) -> dict[str, Any]:
    """Return the `CreateEndpointRequest` of REST v2 for `spec`, whose volumes have ids; `now` is in UTC.

    Raises `OptionError` where no image is published for the Python; the embedded Runpod runs the caller's own.
    """
    if spec.python and not spec.interpreter:
        check_published(spec.python)
    workers = {"min": spec.workers_min, "max": spec.workers_max}
    optional = {
        "image": spec.image,
        "disk": None if spec.template_id else default_disk_gb(spec),
        "templateId": spec.template_id,
        "dataCenterIds": list(spec.data_centers),
        "networkVolumes": volume_ids(spec),
        **spec.container,
    }
    return {
        "name": spec.name,
        "type": spec.type,
        "env": {**spec.env, **labels(spec, now=now)},
        **hardware(spec),
        "workers": {**workers, "idleTimeout": spec.idle_s} if spec.has_idle_timeout else workers,
        "scaling": spec.scaling.to_api(),
        # `timeout=` of a cell is the job's policy, which goes before this (Runpod docs, send-requests)
        "timeout": spec.timeout_ms,
        "flashboot": flashboot(spec),
        **{key: value for key, value in optional.items() if value},
    }


def labels(spec: EndpointSpec, *, now: datetime) -> dict[str, str]:
    """Return the endpoint's labels: who made it, when, until when; never changed afterwards."""
    expires = now + timedelta(seconds=spec.ttl_s)
    env = {OWNER: spec.owner, CREATED: timestamp(now), EXPIRES: timestamp(expires), **home_label(spec)}
    return {**env, INTERPRETER: spec.interpreter} if spec.interpreter else env


def home_label(spec: EndpointSpec) -> dict[str, str]:
    """Return the label of an endpoint in which instances live, which one that exists may get later; else none."""
    return {INSTANCES: "1"} if spec.has_instances else {}


def hardware(spec: EndpointSpec) -> dict[str, Any]:
    """Return the one of `gpu` and `cpu` that the endpoint has, as REST v2 spells it."""
    if spec.cpus:
        chosen = (CPUS[cpu] for cpu in spec.cpus)
        return {"cpu": [{"id": cpu.flavor, "vcpuCount": cpu.vcpus} for cpu in chosen]}
    pools, excluded = pools_of(spec.gpus or (ANY,))
    gpu: dict[str, Any] = {"pools": list(pools), "count": spec.gpu_count}
    optional = {"excludedTypes": list(excluded), "allowedCudaVersions": list(spec.cuda_versions)}
    return {"gpu": {**gpu, **{key: value for key, value in optional.items() if value}}}


def default_disk_gb(spec: EndpointSpec) -> int:
    """Return the container's disk in GB where nobody says: what released clients ask for, or all that a CPU has."""
    return min((CPUS[cpu].disk_gb for cpu in spec.cpus), default=limits.OUR_GPU_DISK_GB)


def volume_ids(spec: EndpointSpec) -> list[str]:
    """Return the ids of the volumes; raises `ValueError` for one that is known by name only."""
    if spec.unresolved_volumes:
        raise ValueError(f"network volume {spec.unresolved_volumes[0].label} has no id yet")
    return [volume.id for volume in spec.volumes if volume.id]


def flashboot(spec: EndpointSpec) -> str:
    """Return `FlashBoot` of REST v2."""
    return "FLASHBOOT" if spec.flashboot else "OFF"


def timestamp(moment: datetime) -> str:
    """Write a time of UTC as labels have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
