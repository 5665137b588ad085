"""The two models behind the eight classes: a queue endpoint and a load-balanced endpoint, as the user describes them.

Everything is checked where it is written, by the rules of the platform (flash-wire reference 5.2 and 5.8, REST v2
document). A description does nothing: it has no client, reads no environment, and makes no endpoint.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from flash_jupyter import limits
from flash_jupyter.resources import rules
from flash_jupyter.resources.arguments import Described
from flash_jupyter.resources.endpoint import THIS_PYTHON, EndpointSpec, ScalerType, Scaling
from flash_jupyter.resources.hardware import ANY, find_cpu, find_gpu
from flash_jupyter.resources.images import Images, check_python
from flash_jupyter.resources.naming import Caller, default_name
from flash_jupyter.resources.places import find_data_center, parse_locations
from flash_jupyter.resources.template import PodTemplate
from flash_jupyter.resources.volume import NetworkVolume, parse_volume

Names = tuple[str, ...]

#: what a CPU class gets when nobody says (flash-wire reference 1.3)
DEFAULT_CPU = "cpu3g-2-8"
DEFAULT_TIMEOUT_MS = int(limits.OUR_EXECUTION_TIMEOUT_S * 1000)


class Resource(Described, init=False):
    """What all endpoints have in common; fields have published names in camelCase and ours in snake_case."""

    is_load_balanced: ClassVar[bool] = False
    #: whether code of cells and functions may be sent; otherwise the image has its own
    is_live: ClassVar[bool] = False
    is_cpu_class: ClassVar[bool] = False

    name: str | None = Field(default=None, description="the endpoint's name, exactly")
    gpus: Names = Field(default=(), description="GpuGroup, GpuType or their texts, tried in this order; none means any")
    gpu_count: Annotated[int, Field(ge=1, le=8)] = Field(default=1, description="GPUs a worker, 1 to 8")
    instance_ids: Names = Field(
        default=(), description=f"CpuInstanceType or their texts: a CPU endpoint; a Cpu class has {DEFAULT_CPU}"
    )
    workers_min: Annotated[int, Field(ge=0)] = Field(default=0, description="workers that are always there, and paid")
    workers_max: Annotated[int, Field(ge=1)] = Field(default=limits.OUR_WORKERS_MAX, description="workers at most")
    idle_timeout: Annotated[int, Field(ge=limits.IDLE_TIMEOUT_MIN_S, le=limits.IDLE_TIMEOUT_MAX_S)] = Field(
        default=limits.OUR_IDLE_TIMEOUT_S,
        description=f"seconds until an idle worker ends, to {limits.IDLE_TIMEOUT_MAX_S}",
    )
    execution_timeout_ms: int = Field(
        default=0, description=f"milliseconds that a job may run; 0 means {DEFAULT_TIMEOUT_MS}"
    )
    scaler_type: ScalerType = Field(default="QUEUE_DELAY", description="QUEUE_DELAY or REQUEST_COUNT")
    scaler_value: int | float = Field(default=4, description="seconds in the queue, or requests a worker")
    network_volume: NetworkVolume | None = Field(default=None, description="NetworkVolume, or its text NAME[:GB]")
    network_volume_id: str | None = Field(default=None, min_length=1, description="a volume that exists")
    network_volumes: tuple[NetworkVolume, ...] = Field(default=(), description="several, each in another data centre")
    env: dict[str, str] = Field(default_factory=dict, repr=False, description="of the endpoint: the platform stores it")
    template: PodTemplate | Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="PodTemplate, or the id of a stored template"
    )
    image_name: str | None = Field(default=None, min_length=1, description="an image of your own")
    flashboot: bool = Field(default=True, description="quicker cold starts")
    datacenter: Names = Field(default=(), description="DataCenter, or several; none means anywhere")
    locations: Names = Field(default=(), description="the same as a text, EU-RO-1,US-KS-2")
    cuda_versions: Names = Field(default=(), description='as in ["12.8"]')
    python_version: Literal["3.10", "3.11", "3.12", "3.13"] | None = Field(
        default=None, alias="python_version", description="of the image; functions need that of the caller"
    )

    @field_validator("gpus", mode="before")
    @classmethod
    def _know_gpus(cls, value: Any) -> Any:
        return tuple(find_gpu(str(gpu), option="gpus") for gpu in several(value))

    @field_validator("instance_ids", mode="before")
    @classmethod
    def _know_cpus(cls, value: Any) -> Any:
        return tuple(find_cpu(str(cpu), option="instanceIds").id for cpu in several(value))

    @field_validator("datacenter", mode="before")
    @classmethod
    def _know_data_centers(cls, value: Any) -> Any:
        return tuple(find_data_center(str(place)) for place in several(value))

    @field_validator("locations", mode="before")
    @classmethod
    def _read_locations(cls, value: Any) -> Any:
        return parse_locations(",".join(str(place) for place in several(value)))

    @field_validator("cuda_versions", "network_volumes", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return several(value)

    @field_validator("network_volume", mode="before")
    @classmethod
    def _read_volume(cls, value: Any) -> Any:
        return parse_volume(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_together(self) -> Resource:
        for check in rules.ALL:
            check(self)
        return self

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    @property
    def label(self) -> str:
        """How messages call it.

        >>> from flash_jupyter.resources.classes import LiveServerless
        >>> LiveServerless(name="trainer").label
        'LiveServerless trainer'
        """
        return f"{type(self).__name__} {self.name}" if self.name else type(self).__name__

    @property
    def cpus(self) -> Names:
        """The CPU instances of a CPU endpoint, in the order of trying; empty for a GPU endpoint."""
        return self.instance_ids or ((DEFAULT_CPU,) if self.is_cpu_class else ())

    @property
    def places(self) -> Names:
        """The data centres that were named, or that the volume is in."""
        return self.datacenter or self.locations or tuple(volume.place for volume in self.volumes if volume.place)

    @property
    def volumes(self) -> tuple[NetworkVolume, ...]:
        """The network volumes."""
        if self.network_volume_id:
            return (NetworkVolume(id=self.network_volume_id),)
        return (self.network_volume,) if self.network_volume else self.network_volumes

    def spec(
        self,
        *,
        owner: str,
        interpreter: str | None = None,
        python: tuple[int, int] = THIS_PYTHON,
        images: Images | None = None,
    ) -> EndpointSpec:
        """Return what is asked of the platform, for this owner, interpreter and Python.

        `interpreter` is the kernel's Python on the embedded Runpod, None elsewhere. Raises `OptionError` where a live
        class names another Python: code of this one could not run there.
        """
        caller = Caller(owner, python, interpreter, images or Images())
        if self.is_live:
            check_python(python, self.python_version)
        return EndpointSpec(
            name=self.name or self._default_name(caller),
            image=self._image(caller),
            owner=owner,
            type="LOAD_BALANCER" if self.is_load_balanced else "QUEUE",
            gpus=() if self.cpus else (self.gpus or (ANY,)),
            gpu_count=self.gpu_count,
            cuda_versions=self.cuda_versions,
            cpus=self.cpus,
            workers_min=self.workers_min,
            workers_max=self.workers_max,
            idle_s=self.idle_timeout,
            scaling=Scaling(self.scaler_type, self.scaler_value),
            timeout_ms=self.execution_timeout_ms or DEFAULT_TIMEOUT_MS,
            flashboot=self.flashboot,
            data_centers=self.places,
            volumes=self.volumes,
            template_id=self.template if isinstance(self.template, str) else None,
            container=self._pod.container() if self._pod else {},
            env=self.variables,
            interpreter=interpreter,
            python=python if self.is_live and not self._named_image() else None,
            said=self._said_of_spec(),
        )

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables as they are now."""
        return {**(self._pod.env if self._pod else {}), **self.env}

    @property
    def _pod(self) -> PodTemplate | None:
        return self.template if isinstance(self.template, PodTemplate) else None

    def _named_image(self) -> str | None:
        return self.image_name or (self._pod.image_name if self._pod else None) or None

    def _image(self, caller: Caller) -> str | None:
        named = self._named_image()
        if named or not self.is_live:
            return named
        return caller.images.reference(cpu=bool(self.cpus), load_balanced=self.is_load_balanced, python=caller.python)

    def _default_name(self, caller: Caller) -> str:
        return default_name(
            self.cpus or self.gpus or (ANY,),
            caller,
            count=self.gpu_count,
            volume=self.volumes[0].label if self.volumes else "",
        )

    def _said_of_spec(self) -> frozenset[str]:
        """Which fields of the spec the user gave a value."""
        given = {
            "family": self.is_cpu_class or self.said("instance_ids", "gpus"),
            "gpus": self.gpus and ANY not in self.gpus,
            "cpus": self.said("instance_ids") and self.cpus,
            "gpu_count": self.said("gpu_count"),
            "cuda_versions": self.said("cuda_versions"),
            "workers_min": self.said("workers_min"),
            "workers_max": self.said("workers_max"),
            "idle_s": self.said("idle_timeout"),
            "scaling": self.said("scaler_type", "scaler_value"),
            "timeout_ms": self.execution_timeout_ms,
            "flashboot": self.said("flashboot"),
            "data_centers": self.places or self.said("datacenter", "locations"),
            "volumes": self.volumes,
            "image": self._named_image(),
            "env": self.said("env") or (self._pod is not None and self._pod.said("env")),
        }
        return frozenset(name for name, value in given.items() if value)


class QueueResource(Resource, init=False):
    """An endpoint with a queue of jobs."""

    max_concurrency: Annotated[int, Field(ge=1)] = Field(
        default=1, description="jobs that a deployed worker runs at once"
    )


class LoadBalancerResource(Resource, init=False):
    """An endpoint with HTTP routes; it scales on requests, for there is no queue to wait in."""

    is_load_balanced: ClassVar[bool] = True

    scaler_type: ScalerType = Field(default="REQUEST_COUNT", description="REQUEST_COUNT")
    scaler_value: int | float = Field(default=limits.OUR_REQUEST_COUNT, description="requests a worker")


def several(value: Any) -> tuple[Any, ...]:
    """Return one value, or several, as a tuple; None is none."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)
