"""What is spent: an hour from now, and what was billed by the day."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from flash_jupyter.server.base import ApiHandler


class CostsHandler(ApiHandler):
    """`/costs`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Return the bill of the last days, of both Runpods."""
        days = self.number("days", default=7, most=90)
        async with self.desk.service() as service:
            self.answer(await service.costs(days))
