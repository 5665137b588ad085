"""`Endpoint(...)` as runpod-flash 1.21 has it: one description, whose use tells which of the eight classes it is. Pure.

Names, defaults and what excludes what are those of the released client (its `Endpoint`, read 2026-11-22). Two defaults
are ours: without `min_cuda_version=` and `datacenter=` the platform chooses.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.resources import classes
from flash_jupyter.resources.arguments import Described
from flash_jupyter.resources.endpoint import ScalerType
from flash_jupyter.resources.enums import CudaVersion
from flash_jupyter.resources.hardware import find_cpu, find_gpu
from flash_jupyter.resources.model import Names, Resource, several
from flash_jupyter.resources.template import PodTemplate
from flash_jupyter.resources.volume import NetworkVolume

#: argument -> the same of the eight classes
_RENAMED = {
    "idle_timeout": "idleTimeout",
    "execution_timeout_ms": "executionTimeoutMs",
    "scaler_type": "scalerType",
    "scaler_value": "scalerValue",
    "gpu_count": "gpuCount",
    "flashboot": "flashboot",
    "datacenter": "datacenter",
    "env": "env",
    "template": "template",
    "max_concurrency": "maxConcurrency",
}
#: a word of the eight classes -> ours, for messages
_SAID_HERE = {
    **{theirs: ours for ours, theirs in _RENAMED.items() if ours != theirs},
    "gpus": "gpu",
    "instanceIds": "cpu",
    "networkVolume": "volume",
    "networkVolumes": "volume",
    "imageName": "image",
    "cudaVersions": "min_cuda_version",
}
_WORDS = re.compile(rf"\b({'|'.join(_SAID_HERE)})\b")
#: of an endpoint that exists, only this may be said
_OF_EXISTING = frozenset({"id", "name"})


class EndpointDescription(Described, init=False):
    """What `Endpoint(...)` says; the name is the only argument without a keyword."""

    model_config = ConfigDict(alias_generator=None)

    name: str | None = Field(default=None, description="the endpoint's name; of a function without one, the function's")
    id: str | None = Field(default=None, min_length=1, description="an endpoint that exists: a client for it")
    image: str | None = Field(default=None, min_length=1, description="an image with its own code: made, and a client")
    gpu: Names = Field(default=(), description="GpuGroup, GpuType or their texts, in the order of trying; none is any")
    cpu: Names = Field(default=(), description="CpuInstanceType or their texts; instead of gpu=")
    gpu_count: int = Field(default=1, description="GPUs a worker, 1 to 8")
    workers: tuple[int, int] | None = Field(default=None, description="the most of them, or (least, most)")
    idle_timeout: int = Field(default=limits.OUR_IDLE_TIMEOUT_S, description="seconds until an idle worker ends")
    execution_timeout_ms: int = Field(default=0, description="milliseconds that a job may run; 0 means our default")
    scaler_type: ScalerType | None = Field(default=None, description="QUEUE_DELAY or REQUEST_COUNT")
    scaler_value: int | float = Field(default=4, description="seconds in the queue, or requests a worker")
    dependencies: Names | None = Field(default=None, description="pip requirements of the functions")
    system_dependencies: Names | None = Field(default=None, description="Debian packages of the functions")
    accelerate_downloads: bool = Field(default=True, description="download models faster")
    volume: tuple[NetworkVolume, ...] = Field(default=(), description="NetworkVolume; several: one a data centre")
    datacenter: Names = Field(default=(), description="DataCenter, or several; none means anywhere")
    env: dict[str, str] = Field(default_factory=dict, repr=False, description="of the endpoint: the platform stores it")
    template: PodTemplate | None = Field(default=None, description="PodTemplate, for the container")
    flashboot: bool = Field(default=True, description="quicker cold starts")
    min_cuda_version: str | None = Field(default=None, description="CudaVersion or its text; no older driver")
    max_concurrency: int = Field(default=1, ge=1, description="jobs that one deployed worker runs at once")

    def __init__(self, name: str | None = None, /, **values: Any) -> None:
        if name is not None and "name" in values:
            raise OptionError("Endpoint: name= is given twice", fix="leave one of the two away")
        super().__init__(**(values if name is None else {"name": name, **values}))

    @field_validator("gpu", mode="before")
    @classmethod
    def _know_gpus(cls, value: Any) -> Any:
        return tuple(find_gpu(str(gpu)) for gpu in several(value))

    @field_validator("cpu", mode="before")
    @classmethod
    def _know_cpus(cls, value: Any) -> Any:
        return tuple(find_cpu(str(cpu)).id for cpu in several(value))

    @field_validator("datacenter", "volume", mode="before")
    @classmethod
    def _take_several(cls, value: Any) -> Any:
        return several(value)

    @field_validator("dependencies", "system_dependencies", mode="before")
    @classmethod
    def _refuse_one_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise OptionError(f"packages are a list, and {value!r} is one text", fix=f"write [{value!r}]")
        return value

    @field_validator("workers", mode="before")
    @classmethod
    def _read_workers(cls, value: Any) -> Any:
        if value is None:
            return None
        is_number = isinstance(value, int) and not isinstance(value, bool)
        low, high = (0, value) if is_number else value if _is_pair(value) else (-1, -1)
        if not 0 <= low <= high or high == 0:
            raise OptionError(
                f"workers={value!r} says no number of workers", fix="write workers=3, or workers=(1, 3): least and most"
            )
        return low, high

    @field_validator("min_cuda_version", mode="before")
    @classmethod
    def _know_cuda(cls, value: Any) -> Any:
        known = [str(version) for version in CudaVersion]
        if value is None or str(value) in known:
            return None if value is None else str(value)
        near = difflib.get_close_matches(str(value), known, n=1)
        fix = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
        raise OptionError(f"min_cuda_version={value} is not a CUDA version that we know", fix=fix)

    @model_validator(mode="after")
    def _check_together(self) -> EndpointDescription:
        if self.gpu and self.cpu:
            raise OptionError("gpu= and cpu= exclude each other", fix="keep one of the two")
        if self.id and self.image:
            raise OptionError(
                "id= names an endpoint that exists, and image= makes one: they exclude each other",
                fix="keep one of the two",
            )
        if self.image and not self.name:
            raise OptionError("Endpoint(image=...) needs name=", fix='write Endpoint(name="vllm", image=...)')
        more = sorted(self.model_fields_set - _OF_EXISTING) if self.id else []
        if more:
            raise OptionError(
                f"id= names an endpoint that exists: {more[0]}= has no meaning there",
                fix=f"leave {more[0]}= away, or change the endpoint where it is described",
            )
        return self

    @property
    def is_client(self) -> bool:
        """Whether it is asked as it is, and has no place for functions of ours."""
        return self.id is not None or self.image is not None

    def resource(self, *, is_load_balanced: bool, name: str | None = None) -> Resource:
        """Return the endpoint as one of the eight classes; `name` is for one that has none.

        Raises `OptionError`, in the words that are written here.
        """
        kind = _KINDS[is_load_balanced, bool(self.cpu), self.image is not None]
        low, high = self.workers or (0, limits.RELEASED_WORKERS_MAX)
        given = {theirs: getattr(self, ours) for ours, theirs in _RENAMED.items() if self.said(ours)}
        one = self.volume[0] if len(self.volume) == 1 else None
        given |= {"name": self.name or name, "workersMin": low, "workersMax": high}
        optional = {
            "gpus": self.gpu,
            "instanceIds": self.cpu,
            "imageName": self.image,
            "cudaVersions": self._cuda_versions(),
            "networkVolume": one,
            "networkVolumes": () if one else self.volume,
        }
        if is_load_balanced and self.max_concurrency > 1:
            raise OptionError(
                f"max_concurrency={self.max_concurrency} is of a queue: routes are served side by side anyway",
                fix="leave it away; scaler_value= says from how many requests there are more workers",
            )
        try:
            return kind(**given, **{key: value for key, value in optional.items() if value})
        except OptionError as error:
            raise _in_these_words(error, kind) from None

    def _cuda_versions(self) -> tuple[str, ...]:
        """All versions from the oldest that may be on, in their order."""
        known = [str(version) for version in CudaVersion]
        return tuple(known[known.index(self.min_cuda_version) :]) if self.min_cuda_version else ()


#: (load balanced, CPU, image of its own) -> class
_KINDS: dict[tuple[bool, bool, bool], type[Resource]] = {
    (False, False, False): classes.LiveServerless,
    (False, True, False): classes.CpuLiveServerless,
    (False, False, True): classes.ServerlessEndpoint,
    (False, True, True): classes.CpuServerlessEndpoint,
    (True, False, False): classes.LiveLoadBalancer,
    (True, True, False): classes.CpuLiveLoadBalancer,
    (True, False, True): classes.LoadBalancerSlsResource,
    (True, True, True): classes.CpuLoadBalancerSlsResource,
}


def _in_these_words(error: OptionError, kind: type[Resource]) -> OptionError:
    def said(text: str) -> str:
        plain = text.replace(kind.__name__, "Endpoint").replace(f"use {kind.__name__.removeprefix('Cpu')}", "use gpu=")
        return _WORDS.sub(lambda match: _SAID_HERE[match[1]], plain)

    return OptionError(said(error.message), fix=said(error.fix), suggestion=error.suggestion)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(each, int) for each in value)
