"""REST v2 control plane: endpoints and their workers and releases; the other resources hang on it by name.

It allows 60 requests a minute, so nothing here is called in a loop: waiting and watching use the data plane.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flash_jupyter.errors import ApiError, QuotaError
from flash_jupyter.transport.catalog import Billings, Catalog
from flash_jupyter.transport.http import Http, Retry
from flash_jupyter.transport.rest import CONTROL_RETRY, Rest
from flash_jupyter.transport.saving import is_refused_by_rest, save_input
from flash_jupyter.transport.storage import Templates, Volumes
from flash_jupyter.wire.control import Endpoint, EndpointList, ReleaseList, Worker, WorkerList

ENDPOINTS = "serverless"
#: a quota has no status or code of its own; the platform's words are not documented, except by who met them: "Your
#: worker concurrency cannot go beyond the maximum limit of (20)" (runpod/runpodctl issue 117)
_QUOTA = re.compile(r"quota|(maximum|max|account) (worker )?limit|too many workers", re.IGNORECASE)


class Control:
    """Endpoints of one account; `templates`, `volumes`, `catalog` and `billing` beside them."""

    def __init__(self, http: Http) -> None:
        self._http, self._rest = http, Rest(http)
        self.templates = Templates(self._rest)
        self.volumes = Volumes(self._rest)
        self.catalog = Catalog(self._rest)
        self.billing = Billings(self._rest)

    async def endpoints(self, *, retry: Retry = CONTROL_RETRY) -> tuple[Endpoint, ...]:
        """List all endpoints."""
        return (await self._rest.get(EndpointList, ENDPOINTS, retry=retry)).endpoints

    async def create(self, body: Mapping[str, Any]) -> Endpoint:
        """Make an endpoint; never repeated, as a lost answer may hide a made one."""
        with _quota_said(str(body.get("name", "")), "made"):
            if is_refused_by_rest(body):
                return await self._save(save_input(body))
            return await self._rest.create(Endpoint, ENDPOINTS, body=body)

    async def _save(self, endpoint: Mapping[str, Any]) -> Endpoint:
        from flash_jupyter.transport.apps import Apps  # GraphQL's models, which most sessions never need

        saved = await Apps(self._http).save_endpoint(endpoint)
        try:
            return await self.get(saved.id)
        except ApiError as failure:  # it stands, whatever came after: an error without a status may have worked
            raise ApiError(
                f"endpoint {saved.name} ({saved.id}) was made, and can't be read: {failure.message}",
                detail=failure.detail,
                fix="run it again: it is found then; or delete it with %flash undeploy",
            ) from None

    async def get(self, endpoint_id: str, *, retry: Retry = CONTROL_RETRY) -> Endpoint:
        """Return one endpoint, or raise `NotFoundError`."""
        return await self._rest.get(Endpoint, ENDPOINTS, endpoint_id, retry=retry)

    async def patch(self, endpoint_id: str, body: Mapping[str, Any]) -> Endpoint:
        """Change the given fields; the same change twice is the same, so it may be repeated."""
        with _quota_said(endpoint_id, "changed"):
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


@contextmanager
def _quota_said(name: str, verb: str) -> Iterator[None]:
    """Turn the refusal of more workers than the account may have into a `QuotaError`."""
    try:
        yield
    except ApiError as failure:
        if failure.status not in {400, 409} or not _QUOTA.search(failure.detail):
            raise
        raise QuotaError(
            f"the account has no workers left for endpoint {name} ({failure.detail}); nothing was {verb}",
            status=failure.status,
            detail=failure.detail,
            fix="ask for fewer (workers=1), or delete an endpoint: %flash endpoints, %flash undeploy NAME",
        ) from None
