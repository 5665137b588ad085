"""Network volumes: storage that outlives workers, in one data centre, under `/runpod-volume` of every worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator, model_validator

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.arguments import Described
from flash_jupyter.resources.places import DEFAULT_DATA_CENTER, find_data_center


class NetworkVolume(Described, init=False):
    """A volume by its `id`, or by its `name`: then it is found in its data centre, or made there with `size` GB."""

    synonyms: ClassVar[Mapping[str, str]] = {"datacenter": "dataCenterId"}

    name: str | None = Field(default=None, min_length=1, description="found by this name, or made")
    id: str | None = Field(default=None, min_length=1, description="the platform's id of a volume that exists")
    size: Annotated[int, Field(ge=limits.VOLUME_SIZE_MIN_GB, le=limits.VOLUME_SIZE_MAX_GB)] = Field(
        default=limits.OUR_VOLUME_SIZE_GB, description="GB, where the volume is made"
    )
    data_center_id: str = Field(default=DEFAULT_DATA_CENTER, description="where the volume is")

    @field_validator("data_center_id", mode="before")
    @classmethod
    def _know_data_center(cls, value: Any) -> str:
        return find_data_center(str(value), option="dataCenterId")

    @model_validator(mode="after")
    def _check_identity(self) -> NetworkVolume:
        if not self.id and not (self.name or "").strip():
            raise OptionError(
                "a NetworkVolume needs a name or an id", fix='write NetworkVolume(name="models", size=100)'
            )
        return self

    @property
    def place(self) -> str | None:
        """The data centre, where it is known: one that is given by its id alone may be anywhere."""
        return None if self.id and not self.said("data_center_id") else self.data_center_id

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.name or f"id:{self.id}"


def parse_volume(text: str, *, data_center: str | None = None) -> NetworkVolume:
    """Read `volume=NAME[:GB]` or `volume=id:ID`; raises `OptionError`.

    >>> parse_volume("models:200").size, parse_volume("id:agv6w2qcg7").id
    (200, 'agv6w2qcg7')
    """
    place = {"data_center_id": data_center} if data_center else {}
    name, colon, rest = text.partition(":")
    if name == "id" and colon:
        return NetworkVolume(id=rest, **place)
    if colon and not rest.isdecimal():
        raise OptionError(f"volume={text} has no size", fix="write volume=NAME:GB, as in volume=models:100")
    return NetworkVolume(name=name, **({"size": int(rest)} if colon else {}), **place)
