"""The service in use: made at the first request, and anew where the user's settings have changed since.

So a key that is written into `.env` counts from the next request on, without a restart of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from flash_jupyter.server.service import Service
    from flash_jupyter.settings import Settings

T = TypeVar("T")

#: for what blocks: files, SQLite, a cancel that waits for its worker
THREADS = 16


def settings_of(folder: Path) -> Settings:
    """Read what a kernel in `folder` would read."""
    from flash_jupyter.settings import read_settings

    return read_settings(project=folder)


def service_of(settings: Settings, threads: ThreadPoolExecutor) -> Service:
    """Make the service; imports the client."""
    from flash_jupyter.server.service import Service

    return Service(settings, threads)


class Desk:
    """Hands out the service. `read` and `make` are seams: where settings come from, and what is made of them."""

    def __init__(
        self,
        folder: Path,
        *,
        read: Callable[[Path], Settings] = settings_of,
        make: Callable[[Settings, ThreadPoolExecutor], Service] = service_of,
    ) -> None:
        self._folder, self._read, self._make = folder, read, make
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="flash_jupyter server")
        self._turn = asyncio.Lock()
        self._current: Service | None = None
        self._users: dict[Service, int] = {}

    async def settings(self) -> Settings:
        """Return the user's settings as they are now; raises `SettingsError`."""
        return await self.aside(partial(self._read, self._folder))

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Service]:
        """Give the service for one request; one that is replaced meanwhile lives until its last request is over."""
        async with self._turn:
            settings = await self.settings()
            if self._current is None or self._current.settings != settings:
                await self._replace(await self.aside(partial(self._make, settings, self._threads)))
            service = self._current
            assert service is not None
            self._users[service] = self._users.get(service, 0) + 1
        try:
            yield service
        finally:
            if service in self._users:  # else all was closed meanwhile
                self._users[service] -= 1
                await self._let_go(service)

    async def aside(self, work: Callable[[], T]) -> T:
        """Do on a thread what blocks."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def close(self) -> None:
        """End what was made; requests that are under way fail."""
        service, self._current = self._current, None
        made = {*self._users, *([service] if service else [])}
        self._users.clear()
        for each in made:
            await self.aside(each.close)
        self._threads.shutdown(wait=False)

    async def _replace(self, service: Service) -> None:
        old, self._current = self._current, service
        if old is not None:
            await self._let_go(old)

    async def _let_go(self, service: Service) -> None:
        if self._users.get(service) == 0 and service is not self._current:
            del self._users[service]
            await self.aside(service.close)
