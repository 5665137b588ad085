"""A deploy for a test that can only wait, without a face; an interrupt takes back what was done before it shows."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from flash_jupyter.cli.work import Work
from flash_jupyter.deploy.send import Deployer
from flash_jupyter.session.links import Links
from flash_jupyter.settings import Settings
from flash_jupyter.transport.loop import LoopThread

T = TypeVar("T")


def run(settings: Settings, work: Callable[[Deployer], Coroutine[Any, Any, T]], *, links: Links | None = None) -> T:
    """Run `work` with a deployer over a connection of its own, and return its result."""
    links, loop = links or Links(settings), LoopThread("deploy of a test")
    waiting: Work[str, str] = Work(loop, tell=print, ask=bool, told=print)
    try:
        return waiting.run(work(Deployer(links.open(settings.backend), settings)))
    finally:
        loop.close(links.aclose)
