"""REST v2: templates and network volumes (`openapi-v2.json`, `Template`, `NetworkVolume`)."""

from __future__ import annotations

from pydantic import Field

from flash_jupyter.wire.control import Wire


class Template(Wire):
    """A container's settings under a name; `disk` in GB. Names are not unique."""

    id: str
    name: str
    image: str = ""
    args: str = ""
    disk: int | None = None
    env: dict[str, str] = Field(default_factory=dict, repr=False)
    ports: tuple[str, ...] = ()
    registry: str | None = None
    serverless: bool = False


class TemplateList(Wire):
    """`ListTemplatesResponse`."""

    templates: tuple[Template, ...]


class Volume(Wire):
    """A network volume; `size_gb` is what is paid for, whatever is stored. Names are not unique."""

    id: str
    name: str
    size_gb: int = Field(alias="size")
    data_center: str = Field(alias="dataCenter")
    type: str = "STANDARD"


class VolumeList(Wire):
    """`ListNetworkVolumesResponse`."""

    volumes: tuple[Volume, ...] = Field(alias="networkVolumes")
