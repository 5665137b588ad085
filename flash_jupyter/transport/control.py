"""REST v2 control plane: endpoints and their workers and releases; the other resources hang on it by name.

It allows 60 requests a minute, so nothing here is called in a loop: waiting and watching use the data plane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter.transport.catalog import Billings, Catalog
from flash_jupyter.transport.http import Http, Retry
from flash_jupyter.transport.rest import CONTROL_RETRY, Rest
from flash_jupyter.transport.storage import Templates, Volumes
from flash_jupyter.wire.control import Endpoint, EndpointList, ReleaseList, Worker, WorkerList

ENDPOINTS = "serverless"


class Control:
    """Endpoints of one account; `templates`, `volumes`, `catalog` and `billing` beside them."""

    def __init__(self, http: Http) -> None:
        self._rest = Rest(http)
        self.templates = Templates(self._rest)
        self.volumes = Volumes(self._rest)
        self.catalog = Catalog(self._rest)
        self.billing = Billings(self._rest)

    async def endpoints(self, *, retry: Retry = CONTROL_RETRY) -> tuple[Endpoint, ...]:
        """List all endpoints."""
        return (await self._rest.get(EndpointList, ENDPOINTS, retry=retry)).endpoints

    async def create(self, body: Mapping[str, Any]) -> Endpoint:
        """Make an endpoint; never repeated, as a lost answer may hide a made one."""
        return await self._rest.create(Endpoint, ENDPOINTS, body=body)

    async def get(self, endpoint_id: str, *, retry: Retry = CONTROL_RETRY) -> Endpoint:
        """Return one endpoint, or raise `NotFoundError`."""
        return await self._rest.get(Endpoint, ENDPOINTS, endpoint_id, retry=retry)

    async def patch(self, endpoint_id: str, body: Mapping[str, Any]) -> Endpoint:
        """Change the given fields; the same change twice is the same, so it may be repeated."""
        return await self._rest.patch(Endpoint, ENDPOINTS, endpoint_id, body=body)

    async def delete(self, endpoint_id: str) -> None:
        """Delete an endpoint and its workers, or raise `NotFoundError`."""
        await self._rest.delete(ENDPOINTS, endpoint_id)

    async def workers(self, endpoint_id: str, *, retry: Retry = CONTROL_RETRY) -> tuple[Worker, ...]:
        """List the workers of an endpoint."""
        return (await self._rest.get(WorkerList, ENDPOINTS, endpoint_id, "workers", retry=retry)).workers

    async def releases(self, endpoint_id: str) -> ReleaseList:
        """List the versions of an endpoint's configuration, newest first, and how far the newest got."""
        return await self._rest.get(ReleaseList, ENDPOINTS, endpoint_id, "releases")

    def logs_url(self, endpoint_id: str, worker_id: str) -> str:
        """Return where the log of a worker streams from."""
        return self._rest.url(ENDPOINTS, endpoint_id, "workers", worker_id, "logs")
