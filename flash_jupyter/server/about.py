"""What this is and what it can reach; needs no network. And what is answered where there is nothing."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import HTTPError, authenticated

from flash_jupyter.server.base import ApiHandler


class AboutHandler(ApiHandler):
    """`/about`."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Say the version, whose endpoints count as the user's, and which Runpods can be asked."""
        async with self.desk.service() as service:
            self.answer(await service.about())


class UnknownHandler(ApiHandler):
    """Every other path under ours."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer 404, as JSON."""
        raise HTTPError(404, "there is no such route; rest-api.yml has the list")

    post = put = patch = delete = get
