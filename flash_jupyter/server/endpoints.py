"""Endpoints of both Runpods: the listing, workers, and taking them away."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from flash_jupyter.server.base import ApiHandler


class EndpointsHandler(ApiHandler):
    """`/endpoints`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """List the endpoints of both Runpods; one that does not answer says why, beside the other's."""
        async with self.desk.service() as service:
            self.answer(await service.endpoints())

    @authenticated
    @authorized
    async def delete(self) -> None:
        """Delete all of this user's on one Runpod."""
        backend = self.backend(self.get_query_argument("backend", ""))
        async with self.desk.service() as service:
            self.answer({"deleted": await service.undeploy_all(backend)})


class EndpointHandler(ApiHandler):
    """`/endpoints/{backend}/{id}`."""

    @authenticated
    @authorized
    async def delete(self, backend: str, id: str) -> None:  # noqa: A002 - the path's own word
        """Delete one; answers once the platform's listing no longer shows it."""
        async with self.desk.service() as service:
            self.answer({"deleted": await service.undeploy(self.backend(backend), id)})


class WorkersHandler(ApiHandler):
    """`/endpoints/{backend}/{id}/workers`."""

    @authenticated
    @authorized
    async def get(self, backend: str, id: str) -> None:  # noqa: A002
        """List the workers of one."""
        async with self.desk.service() as service:
            self.answer({"workers": await service.workers(self.backend(backend), id)})


class PurgeHandler(ApiHandler):
    """`/endpoints/{backend}/{id}/purge`."""

    @authenticated
    @authorized
    async def post(self, backend: str, id: str) -> None:  # noqa: A002
        """Take the waiting jobs out of its queue; those that run go on."""
        async with self.desk.service() as service:
            self.answer({"removed": await service.purge(self.backend(backend), id)})
