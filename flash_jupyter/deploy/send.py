"""A bundle into an environment, a build from one environment into another, and back to an earlier one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flash_jupyter.build.manifest import Manifest
from flash_jupyter.deploy.plan import Plan
from flash_jupyter.deploy.progress import Progress, Report
from flash_jupyter.deploy.result import Result
from flash_jupyter.session.links import Link
from flash_jupyter.settings import Settings

AllowRemoval = Callable[[Plan], bool]


def silent(_: Progress) -> None:
    """A report that nobody sees."""


class Deployer:
    """Deploys over one link; used on the loop thread only.

    `allow_removal` is asked, with the plan, before an endpoint whose resource left the manifest is deleted; it may
    block. `sources` is the folder of which the build is: where its functions' values are found out (`smoke`).
    """

    def __init__(self, link: Link, settings: Settings) -> None:
        self._link, self._settings = link, settings

    async def send(
        self,
        archive: Path,
        manifest: Manifest,
        app: str,
        environment: str,
        *,
        allow_removal: AllowRemoval,
        smoke: bool = True,
        sources: Path | None = None,
        runtime_secret: str = "flash_runtime_key",
        report: Report = silent,
    ) -> Result:
        """Make an environment run this bundle; both are made where they are not there."""
        raise NotImplementedError

    async def promote(
        self,
        app: str,
        environment: str,
        build_id: str,
        *,
        allow_removal: AllowRemoval,
        smoke: bool = True,
        sources: Path | None = None,
        runtime_secret: str = "flash_runtime_key",
        report: Report = silent,
    ) -> Result:
        """Make an environment run a build of its app that was uploaded before."""
        raise NotImplementedError

    async def rollback(
        self,
        app: str,
        environment: str,
        build_id: str | None,
        *,
        allow_removal: AllowRemoval,
        smoke: bool = True,
        sources: Path | None = None,
        runtime_secret: str = "flash_runtime_key",
        report: Report = silent,
    ) -> Result:
        """Make an environment run an earlier build: this one, or with None the one that it ran before."""
        raise NotImplementedError
