"""REST v2 control plane: templates and network volumes. A volume costs money from its creation to its deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter.transport.http import Retry
from flash_jupyter.transport.rest import CONTROL_RETRY, Rest
from flash_jupyter.wire.control import Template, TemplateList, Volume, VolumeList

TEMPLATES, VOLUMES = "templates", "network-volumes"


class Templates:
    """Templates of one account."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def all(self) -> tuple[Template, ...]:
        """List the account's own templates."""
        return (await self._rest.get(TemplateList, TEMPLATES)).templates

    async def get(self, template_id: str) -> Template:
        """Return one template, or raise `NotFoundError`."""
        return await self._rest.get(Template, TEMPLATES, template_id)

    async def create(self, body: Mapping[str, Any]) -> Template:
        """Make a template; never repeated."""
        return await self._rest.create(Template, TEMPLATES, body=body)

    async def patch(self, template_id: str, body: Mapping[str, Any]) -> Template:
        """Change the given fields; endpoints that were made from it do not change."""
        return await self._rest.patch(Template, TEMPLATES, template_id, body=body)

    async def delete(self, template_id: str) -> None:
        """Delete a template that no endpoint uses; one in use answers 400."""
        await self._rest.delete(TEMPLATES, template_id)


class Volumes:
    """Network volumes of one account."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def all(self, *, retry: Retry = CONTROL_RETRY) -> tuple[Volume, ...]:
        """List all volumes."""
        return (await self._rest.get(VolumeList, VOLUMES, retry=retry)).volumes

    async def create(self, *, name: str, size_gb: int, data_center: str, tier: str | None = None) -> Volume:
        """Make a volume, which is paid for until it is deleted; never repeated. The data centre has a default tier."""
        body = {"name": name, "size": size_gb, "dataCenter": data_center, **({"type": tier} if tier else {})}
        return await self._rest.create(Volume, VOLUMES, body=body)

    async def delete(self, volume_id: str) -> None:
        """Delete a volume with all that is on it, or raise `NotFoundError`."""
        await self._rest.delete(VOLUMES, volume_id)
