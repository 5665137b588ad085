"""Where a deployed app is: asked of the server when it is opened, and again where an endpoint has gone."""

from __future__ import annotations

import asyncio

from flash_jupyter.deploy.lookup import Deployment, Live, look_up
from flash_jupyter.errors import NotFoundError
from flash_jupyter.session.links import Link
from flash_jupyter.session.session import Session
from flash_jupyter.settings import BackendName
from flash_jupyter.transport.loop import LoopThread


class Whereabouts:
    """What all functions of an app share: where it is, and how it is asked for."""

    def __init__(self, session: Session, backend: BackendName, app: str, environment: str) -> None:
        self._session, self.backend = session, backend
        self.app, self.environment = app, environment
        self.deployment: Deployment = self.loop.call(self._look())

    def __str__(self) -> str:
        return f"{self.app}/{self.environment}"

    @property
    def loop(self) -> LoopThread:
        """The thread on which everything is sent."""
        return self._session.loop

    async def find(self, resource: str, moved: bool) -> tuple[Link, Live]:
        """Return where a resource is served; on the loop thread. `moved` asks the server anew."""
        link = await self._link()
        live = self._known(resource)
        if moved or live is None or live.endpoint is None:
            self.deployment = await look_up(link, self.app, self.environment)
            live = self._known(resource)
        if live is None:
            raise NotFoundError(
                f"{self.app}/{self.environment} has no resource {resource} any more",
                fix="open the app again: flash_jupyter.app(...)",
            )
        return link, live

    def _known(self, resource: str) -> Live | None:
        return next((each for each in self.deployment.resources if each.name == resource), None)

    async def _look(self) -> Deployment:
        return await look_up(await self._link(), self.app, self.environment)

    async def _link(self) -> Link:
        return await asyncio.to_thread(self._session.links.open, self.backend)
