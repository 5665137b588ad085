"""A bundle into an environment, a build from one environment into another, and back to an earlier one.

Nothing of a deploy that fails stays: what it made goes, what it changed gets its old configuration back, and the error
says so. Where an older version stands, the new one is tried beside it first.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from flash_jupyter.build.manifest import Manifest
from flash_jupyter.deploy.apps import AppDesk
from flash_jupyter.deploy.history import build_before, doubt, way_back
from flash_jupyter.deploy.records import check_build, is_build_of, read_build
from flash_jupyter.deploy.site import Site, open_site
from flash_jupyter.deploy.switch import Order, Switch
from flash_jupyter.deploy.terms import Progress, Result, Terms
from flash_jupyter.deploy.together import in_turn, to_the_end
from flash_jupyter.deploy.upload import upload
from flash_jupyter.deploy.wanted import check_variables
from flash_jupyter.errors import DeployError, FlashError
from flash_jupyter.session.links import Link
from flash_jupyter.settings import Settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import Environment


class Deployer:
    """Deploys over one link; used on the loop thread only.

    Who cancels a deploy waits for the end of its task: by then all that it had to take back is taken back.
    """

    def __init__(self, link: Link, settings: Settings) -> None:
        self._link, self._settings = link, settings
        self._apps = Apps(link.http)

    async def send(self, archive: Path, manifest: Manifest, app: str, environment: str, terms: Terms) -> Result:
        """Make an environment run this bundle; app and environment are made where they are not there.

        A bundle that it runs already is not uploaded again. Raises `DeployError`, `ManifestError`, `BuildError` and
        `ApiError`s; the text says what stands now.
        """

        async def put(site: Site) -> str:
            if await is_build_of(self._apps, site.environment.active_build_id, manifest):
                return site.environment.active_build_id or ""
            return await upload(self._apps, site.app.id, archive, manifest.model_dump(mode="json"), terms.report)

        return await self._deploy(app, environment, Order(manifest, put, terms))

    async def promote(self, app: str, environment: str, build_id: str, terms: Terms) -> Result:
        """Make an environment run a build of its app that was uploaded before; raises as `send` does."""
        check_build(await AppDesk(self._link).find_app(app), build_id)
        return await self._deploy(app, environment, await self._order(build_id, terms))

    async def rollback(self, app: str, environment: str, build_id: str | None, terms: Terms) -> Result:
        """Make an environment run this build again, or with None the one that served before its own.

        Each further one goes one further back: where it came from is left behind, `promote` takes it again. Asks where
        this build never stood there; raises as `send` does.
        """
        found, _ = await AppDesk(self._link).find_environment(app, environment)
        if build_id is not None:
            check_build(found, build_id)
        async with self._turn(app, environment, terms):  # the deploy that is waited for may make another active
            found, stage = await AppDesk(self._link).find_environment(app, environment)
            if build_id is None:
                build_id = await build_before(self._apps, found, stage)
            else:
                await self._ask(build_id, stage, terms)
            terms.report(Progress("rollback", await way_back(self._apps, build_id, stage), back_to=build_id))
            order = await self._order(build_id, terms, is_way_back=True)
            _check(order)
            return await self._run(app, environment, order)

    async def _ask(self, build_id: str, stage: Environment, terms: Terms) -> None:
        why = "" if build_id == stage.active_build_id else await doubt(self._apps, build_id, stage)
        if why and not await asyncio.to_thread(terms.allow_unverified, why):
            raise DeployError(
                f"{why}, and going back to it was not allowed\nnothing was changed",
                fix="allow it (--yes), or name no build: what served before is taken",
            )

    async def _order(self, build_id: str, terms: Terms, *, is_way_back: bool = False) -> Order:
        async def put(_: Site) -> str:
            return build_id

        return Order(await read_build(self._apps, build_id), put, terms, is_way_back)

    async def _deploy(self, app: str, environment: str, order: Order) -> Result:
        _check(order)
        async with self._turn(app, environment, order.terms):
            return await self._run(app, environment, order)

    @property
    def _locks(self) -> Path:
        return self._settings.home / "locks"

    def _turn(self, app: str, environment: str, terms: Terms) -> AbstractAsyncContextManager[None]:
        """Hold this machine's lock of an environment."""
        self._locks.mkdir(parents=True, exist_ok=True)

        def say() -> None:
            text = f"waiting: another deploy of this machine to {app}/{environment} is under way"
            terms.report(Progress("turn", text))

        return in_turn(self._locks / lock_name(app, environment), say)

    async def _run(self, app: str, environment: str, order: Order) -> Result:
        """Do it; who calls this holds the lock."""
        site = await open_site(self._apps, app, environment)
        switch = Switch(self._link, self._settings, site, order, self._locks)
        try:
            return await switch.run()
        except BaseException as failure:
            await to_the_end(_take_back(switch, failure))
            raise


def _check(order: Order) -> None:
    """Raise `FlashError`s for what need not be begun."""
    if not order.terms.allow_missing:
        check_variables(order.manifest)
    if order.terms.repair_secret:
        _check_repair(order)


def _check_repair(order: Order) -> None:
    """Raise `DeployError` where nothing could repair, or where all workers would get the key that may."""
    if not any(each.is_mothership for each in order.manifest.resources.values()):
        raise DeployError(
            "the build has no mothership that could repair anything; nothing was changed",
            fix="build one: flash build --mothership, or leave out --repair-secret",
        )
    if order.terms.repair_secret == order.terms.runtime_secret:
        raise DeployError(
            f"secret {order.terms.repair_secret} is the one that all workers of the app get; nothing was changed",
            fix="name another secret in --repair-secret, with a key that only the mothership gets",
        )


async def _take_back(switch: Switch, failure: BaseException) -> None:
    """Take back what was done, and say so: in the error, or where there is none of ours, in the progress."""
    report = switch.order.terms.report
    if switch.stands:
        said = "the new version stands" + ("" if switch.is_clear else ", but not all of the old one is removed")
    else:
        report(Progress("rollback", "taking back what was done"))
        said = await switch.take_back()
    if isinstance(failure, FlashError):
        failure.message = f"{failure.message}\n{said}"
    report(Progress("rollback", said))


def lock_name(app: str, environment: str) -> str:
    """Return the name of this machine's lock of an environment."""
    return f"deploy-{hashlib.sha256(f'{app}/{environment}'.encode()).hexdigest()[:16]}.lock"
