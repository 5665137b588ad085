"""The embedded Runpod of this machine: whether it runs, and its start and end. Its key is never told."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from flash_jupyter.server.base import ApiHandler


class LocalHandler(ApiHandler):
    """`/local`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Say whether it runs, and where; it is not started for it."""
        async with self.desk.service() as service:
            self.answer(await service.local())


class StartHandler(ApiHandler):
    """`/local/start`."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """Start it, or say where it runs."""
        async with self.desk.service() as service:
            self.answer(await service.start_local())


class StopHandler(ApiHandler):
    """`/local/stop`."""

    @authenticated
    @authorized
    async def post(self) -> None:
        """End it and its workers."""
        async with self.desk.service() as service:
            self.answer({"stopped": await service.stop_local()})
