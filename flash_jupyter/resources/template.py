"""The container of an endpoint, as the user describes it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.arguments import Described


class PodTemplate(Described, init=False):
    """What runs in a worker: image, disk, environment, ports. Nothing is stored under its name.

    `env` is a dictionary, or the published list of `{"key": ..., "value": ...}`.
    """

    name: str = Field(default="", description="for the reader only")
    image_name: str = Field(default="", description="the container image")
    container_disk_in_gb: int = Field(
        default=limits.OUR_GPU_DISK_GB, ge=1, description="disk of a worker in GB; all that a CPU instance has, there"
    )
    container_registry_auth_id: str = Field(default="", description="id of the credentials of a private registry")
    docker_args: str = Field(default="", description="arguments of the image's entry point")
    env: dict[str, str] = Field(default_factory=dict, repr=False, description="of the endpoint")
    ports: str = Field(default="", description="PORT/PROTOCOL, with commas between them")
    advanced_start: bool = Field(default=False, description="published, but nothing that can be sent")
    config: dict[str, Any] = Field(default_factory=dict, description="published, but nothing that can be sent")
    start_script: str = Field(default="", description="published, but nothing that can be sent")

    @field_validator("env", mode="before")
    @classmethod
    def _read_pairs(cls, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(pair, dict) and "key" in pair for pair in value):
            return {pair["key"]: pair.get("value", "") for pair in value}
        return value

    @model_validator(mode="after")
    def _refuse_what_is_gone(self) -> PodTemplate:
        for name in ("advanced_start", "config", "start_script"):
            if getattr(self, name):
                published = type(self).model_fields[name].alias
                raise OptionError(
                    f"PodTemplate: {published}= can't be sent: Runpod's API has no such field",
                    fix="put it into the image, or use dockerArgs=",
                )
        return self

    def __hash__(self) -> int:
        return hash((self.name, self.image_name))

    def container(self) -> dict[str, Any]:
        """Return what the user said of it as fields of REST v2's `ContainerConfig`, without `env` and `image`."""
        fields = {
            "disk": self.container_disk_in_gb if self.said("container_disk_in_gb") else None,
            "args": self.docker_args,
            "ports": [port.strip() for port in self.ports.split(",") if port.strip()],
            "registry": self.container_registry_auth_id,
        }
        return {name: value for name, value in fields.items() if value}
