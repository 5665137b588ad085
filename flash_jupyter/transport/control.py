"""REST v2 control plane: make, find, change and delete endpoints; see their workers.

It allows 60 requests a minute, so nothing here is called in a loop: waiting and watching use the data plane.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flash_jupyter.transport.http import Http
from flash_jupyter.wire.control import Endpoint, EndpointList, Worker, WorkerList


class Control:
    """Endpoints of one account."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._base = f"{http.backend.api_url}/v2/serverless"

    async def endpoints(self) -> tuple[Endpoint, ...]:
        """List all endpoints."""
        return EndpointList.model_validate_json(await self._http.call("GET", self._base)).endpoints

    async def create(self, body: Mapping[str, Any]) -> Endpoint:
        """Make an endpoint; never repeated, as a lost answer may hide a made one."""
        content = json.dumps(body).encode()
        return Endpoint.model_validate_json(
            await self._http.call("POST", self._base, content=content, idempotent=False)
        )

    async def get(self, endpoint_id: str) -> Endpoint:
        """Return one endpoint, or raise `NotFoundError`."""
        return Endpoint.model_validate_json(await self._http.call("GET", self._url(endpoint_id)))

    async def patch(self, endpoint_id: str, body: Mapping[str, Any]) -> Endpoint:
        """Change the given fields; the same change twice is the same, so it may be repeated."""
        content = json.dumps(body).encode()
        return Endpoint.model_validate_json(await self._http.call("PATCH", self._url(endpoint_id), content=content))

    async def delete(self, endpoint_id: str) -> None:
        """Delete an endpoint and its workers, or raise `NotFoundError`."""
        await self._http.call("DELETE", self._url(endpoint_id))

    async def workers(self, endpoint_id: str) -> tuple[Worker, ...]:
        """List the workers of an endpoint."""
        body = await self._http.call("GET", f"{self._url(endpoint_id)}/workers")
        return WorkerList.model_validate_json(body).workers

    def logs_url(self, endpoint_id: str, worker_id: str) -> str:
        """Return where the log of a worker streams from."""
        return f"{self._url(endpoint_id)}/workers/{quote(worker_id, safe='')}/logs"

    def _url(self, endpoint_id: str) -> str:
        return f"{self._base}/{quote(endpoint_id, safe='')}"
