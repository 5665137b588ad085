"""A deploy for who can only wait: a command, a magic, a test. An interrupt takes back what was done before it shows."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from flash_jupyter.deploy.send import Deployer
from flash_jupyter.session.links import Links
from flash_jupyter.session.loop import LoopThread
from flash_jupyter.settings import Settings

T = TypeVar("T")


def run(settings: Settings, work: Callable[[Deployer], Coroutine[Any, Any, T]], *, links: Links | None = None) -> T:
    """Run `work` with a deployer over a connection of its own, and return its result.

    Blocking. On an interrupt it returns when all is taken back, or at the second one.
    """
    links, loop = links or Links(settings), LoopThread("flash_jupyter deploy")

    async def make() -> Deployer:
        return Deployer(link, settings)

    try:
        link = links.open(settings.backend)
        deployer = loop.call(make())
        future = loop.submit(work(deployer))
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            loop.call(deployer.settled())
            raise
    finally:
        loop.close(links.aclose)
