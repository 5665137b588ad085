"""REST v2: what can be had, where, and for how much (`openapi-v2.json`, `GpuType`, `CpuType`, `DataCenter`)."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from flash_jupyter.wire.control import Wire

Level = Literal["NONE", "LOW", "MEDIUM", "HIGH"]


def known_level(value: object) -> object:
    """Return the level, or None for one that a later platform may add."""
    return value if value in get_args(Level) else None


KnownLevel = Annotated[Level | None, BeforeValidator(known_level)]


class Place(Wire):
    """Stock of one thing in one data centre, or of one data centre's thing; a level that we do not know is None."""

    id: str
    name: str = ""
    availability: KnownLevel = None


class GpuPrice(Wire):
    """USD an hour for one GPU; None where the GPU is in no serverless pool."""

    serverless: float | None = None


class GpuType(Wire):
    """A GPU; `data_centers` lists those that offer it, and is empty where nobody was asked or nothing is to be had."""

    id: str
    name: str = ""
    pool: str | None = None
    memory_gb: int = Field(default=0, alias="memory")
    price: GpuPrice = GpuPrice()
    availability: KnownLevel = None
    data_centers: tuple[Place, ...] = Field(default=(), alias="dataCenters")


class GpuTypeList(Wire):
    """`ListGpuTypesResponse`."""

    gpus: tuple[GpuType, ...]


class CpuPrice(Wire):
    """USD an hour for one vCPU of a serverless worker."""

    per_vcpu: float | None = Field(default=None, alias="serverlessPerVcpu")


class CpuType(Wire):
    """A CPU flavour."""

    id: str
    name: str = ""
    price: CpuPrice = CpuPrice()
    availability: KnownLevel = None
    data_centers: tuple[Place, ...] = Field(default=(), alias="dataCenters")

    @property
    def flavor(self) -> str:
        """The flavour without a size: the document has `cpu3c` and `cpu3c-2-4`."""
        return self.id.partition("-")[0]


class CpuTypeList(Wire):
    """`ListCpuTypesResponse`."""

    cpus: tuple[CpuType, ...]


class DataCenter(Wire):
    """A data centre; `volume_types` is empty where it has no network volumes."""

    id: str
    name: str = ""
    volume_types: tuple[str, ...] = Field(default=(), alias="networkVolumeTypes")
    gpus: tuple[Place, ...] = Field(default=(), alias="gpuAvailability")
    cpus: tuple[Place, ...] = Field(default=(), alias="cpuAvailability")


class DataCenterList(Wire):
    """`ListDataCentersResponse`."""

    data_centers: tuple[DataCenter, ...] = Field(alias="dataCenters")
