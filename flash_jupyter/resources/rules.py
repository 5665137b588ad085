"""What must fit together in a resource; each rule raises `OptionError` where it is broken.

Sources: flash-wire reference 5.5 and 5.8, `CreateEndpointRequest` of the REST v2 document.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.endpoint import RESERVED
from flash_jupyter.resources.hardware import CPUS
from flash_jupyter.resources.options import NAME_PATTERN
from flash_jupyter.resources.places import check_cpu_places
from flash_jupyter.resources.template import PodTemplate

if TYPE_CHECKING:
    from flash_jupyter.resources.model import Resource

#: how an environment's value names a secret that the platform keeps (platform reference 8)
SECRET = re.compile(r"\{\{\s*RUNPOD_SECRET_\w+\s*\}\}")
CUDA = re.compile(r"\d+\.\d+")


def check_name(resource: Resource) -> None:
    """A name is what a URL and a shell word hold; only a live queue may go without one, and shares the default's."""
    kind = type(resource).__name__
    if resource.name is None and (resource.is_load_balanced or not resource.is_live):
        raise OptionError(f"{kind} needs name=", fix=f"write {kind}(name=..., ...)")
    if resource.name is not None and not NAME_PATTERN.fullmatch(resource.name):
        raise OptionError(f"name={resource.name} can't name an endpoint", fix="use letters, digits, - _ and .")


def check_family(resource: Resource) -> None:
    """An endpoint has GPUs or CPUs, and what is said about GPUs is said of a GPU endpoint."""
    for name, field in {"gpus": "gpus", "gpuCount": "gpu_count", "cudaVersions": "cuda_versions"}.items():
        if not resource.cpus or not resource.said(field) or not getattr(resource, field):
            continue
        if resource.is_cpu_class:
            fix = f"leave {name}= away, or use {type(resource).__name__.removeprefix('Cpu')}"
            raise OptionError(f"{type(resource).__name__} makes CPU endpoints: {name}= has no meaning there", fix=fix)
        raise OptionError(f"{name}= and instanceIds= exclude each other", fix="keep one of the two")


def check_workers(resource: Resource) -> None:
    """The least number of workers is not above the most."""
    if resource.workers_min > resource.workers_max:
        raise OptionError(
            f"workersMin={resource.workers_min} is above workersMax={resource.workers_max}",
            fix=f"write workersMax={resource.workers_min}, or a smaller workersMin=",
        )


def check_scaling(resource: Resource) -> None:
    """A scaler that the endpoint has, a value in its range, and no idle timeout where the platform takes none."""
    value = resource.scaler_value
    if resource.is_load_balanced and resource.scaler_type != "REQUEST_COUNT":
        raise OptionError(
            f"scalerType={resource.scaler_type}: a load balancer has no queue",
            fix="use scalerType=REQUEST_COUNT, or leave scalerType= away",
        )
    if resource.scaler_type == "REQUEST_COUNT" and (value < 1 or value != int(value)):
        raise OptionError(f"scalerValue={value} is not a number of requests", fix="use a whole number from 1")
    if resource.scaler_type == "QUEUE_DELAY" and value < limits.QUEUE_DELAY_MIN_S:
        raise OptionError(
            f"scalerValue={value} is too short a time in the queue", fix=f"use {limits.QUEUE_DELAY_MIN_S} s or more"
        )
    if not resource.is_load_balanced and resource.scaler_type == "REQUEST_COUNT" and resource.said("idle_timeout"):
        raise OptionError(
            f"idleTimeout={resource.idle_timeout}: a queue that scales on REQUEST_COUNT has no idle timeout",
            fix="leave idleTimeout= away, or use scalerType=QUEUE_DELAY",
        )


def check_timeout(resource: Resource) -> None:
    """A job may run for 5 s to 7 days; 0 is what released clients send for the default."""
    low, high = int(limits.EXECUTION_TIMEOUT_MIN_S * 1000), int(limits.EXECUTION_TIMEOUT_MAX_S * 1000)
    if resource.execution_timeout_ms and not low <= resource.execution_timeout_ms <= high:
        raise OptionError(
            f"executionTimeoutMs={resource.execution_timeout_ms} is not in the platform's range",
            fix=f"use {low} to {high} milliseconds (5 seconds to 7 days), or 0 for the default",
        )


def check_places(resource: Resource) -> None:
    """Data centres are named once, have CPU workers where these are wanted, and the volume is in one of them."""
    if resource.datacenter and resource.locations and resource.datacenter != resource.locations:
        raise OptionError("datacenter= and locations= name different places", fix="keep one of the two")
    if resource.cpus:
        check_cpu_places(resource.datacenter, option="datacenter")
        check_cpu_places(resource.locations, option="locations")
        for volume in resource.volumes:
            check_cpu_places((volume.place,) if volume.place else (), option="dataCenterId")
    for volume in resource.volumes:
        if volume.place and resource.places and volume.place not in resource.places:
            raise OptionError(
                f"volume {volume.label} is in {volume.place}, the endpoint in {', '.join(resource.places)}",
                fix=f'write dataCenterId="{resource.places[0]}" in the volume, or datacenter="{volume.place}" here',
            )


def check_volume(resource: Resource) -> None:
    """Volumes are given in one way; of several each is in another data centre, for a worker mounts that of its own."""
    given = {
        "networkVolume=": resource.network_volume,
        "networkVolumeId=": resource.network_volume_id,
        "networkVolumes=": resource.network_volumes,
    }
    named = [name for name, value in given.items() if value]
    if len(named) > 1:
        raise OptionError(f"{' and '.join(named)} exclude each other", fix="keep one of the two")
    places = [volume.place for volume in resource.network_volumes if volume.place]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice:
        raise OptionError(
            f"two volumes are in {twice}, and a worker mounts one: that of its data centre",
            fix="keep one of the two, or give one another dataCenterId=",
        )


def check_image(resource: Resource) -> None:
    """A class without code of ours says what runs; an image is named once."""
    template = resource.template if isinstance(resource.template, PodTemplate) else None
    kind = type(resource).__name__
    if template and template.image_name and resource.image_name and template.image_name != resource.image_name:
        raise OptionError("imageName= and the template's imageName= differ", fix="keep one of the two")
    has_image = resource.image_name or isinstance(resource.template, str) or (template and template.image_name)
    if not resource.is_live and not has_image:
        raise OptionError(
            f"{kind} needs imageName=: it runs an image with its own code",
            fix="write imageName=..., or template=PodTemplate(imageName=...), or use a Live class for your functions",
        )


def check_disk(resource: Resource) -> None:
    """The container's disk fits the smallest of the CPU instances."""
    template = resource.template
    if not resource.cpus or not isinstance(template, PodTemplate) or not template.said("container_disk_in_gb"):
        return
    smallest = min((CPUS[cpu] for cpu in resource.cpus), key=lambda cpu: cpu.disk_gb)
    if template.container_disk_in_gb > smallest.disk_gb:
        raise OptionError(
            f"containerDiskInGb={template.container_disk_in_gb} is too large: {smallest.id} has {smallest.disk_gb} GB",
            fix=f"write containerDiskInGb={smallest.disk_gb} or less, or use a larger instance",
        )


def check_env(resource: Resource) -> None:
    """Variables of ours are not set by users, and the Runpod key is never stored in an endpoint (D12)."""
    template = resource.template.env if isinstance(resource.template, PodTemplate) else {}
    for name, value in {**template, **resource.env}.items():
        if name.startswith(RESERVED):
            raise OptionError(f"env: {name} is reserved", fix=f"use a name that does not begin with {RESERVED}")
        if name == "RUNPOD_API_KEY" and not SECRET.fullmatch(value):
            raise OptionError(
                "env: RUNPOD_API_KEY would be stored in the endpoint in clear text",
                fix="store a restricted key as a Runpod secret, and write {{ RUNPOD_SECRET_name }} as the value",
            )


def check_cuda(resource: Resource) -> None:
    """CUDA versions are texts, `major.minor`."""
    for version in resource.cuda_versions:
        if not CUDA.fullmatch(version):
            raise OptionError(f"cudaVersions: {version} is not a CUDA version", fix='write cudaVersions=["12.8"]')


ALL = (
    check_name,
    check_family,
    check_workers,
    check_scaling,
    check_timeout,
    check_places,
    check_volume,
    check_image,
    check_disk,
    check_env,
    check_cuda,
)
