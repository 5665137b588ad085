"""The jobs of this machine, from the store that kernels and the command line write."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from flash_jupyter.server.base import ApiHandler

LISTED, LISTED_MAX = 100, 1_000


class JobsHandler(ApiHandler):
    """`/jobs`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """List jobs, newest first."""
        limit = self.number("limit", default=LISTED, most=LISTED_MAX)
        async with self.desk.service() as service:
            self.answer({"jobs": await service.jobs(limit)})


class JobHandler(ApiHandler):
    """`/jobs/{id}`."""

    @authenticated
    @authorized
    async def get(self, id: str) -> None:  # noqa: A002 - the path's own word
        """Return one."""
        async with self.desk.service() as service:
            self.answer(await service.job(id))


class CancelHandler(ApiHandler):
    """`/jobs/{id}/cancel`."""

    @authenticated
    @authorized
    async def post(self, id: str) -> None:  # noqa: A002
        """Stop one, and say what became of its worker."""
        async with self.desk.service() as service:
            self.answer(await service.cancel(id))
