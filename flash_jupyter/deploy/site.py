"""The app and the environment of a deploy: found, or made where they are not there."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from flash_jupyter.deploy.together import to_the_end
from flash_jupyter.deploy.wanted import Place
from flash_jupyter.errors import ApiError, NotFoundError
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import App, Environment


@dataclass(frozen=True)
class Site:
    """Where is deployed. `made_app` and `made_environment` say what was not there before."""

    app: App
    environment: Environment
    made_app: bool = False
    made_environment: bool = False

    @property
    def place(self) -> Place:
        """Return it as labels have it."""
        return Place(self.app.name, self.environment.name, self.environment.id)


async def open_site(apps: Apps, app: str, environment: str) -> Site:
    """Return the site; another machine may make the same at the same moment. Raises `ApiError`s.

    Where it can't be made, or somebody interrupts, nothing of it stays.
    """
    opening = asyncio.ensure_future(_open(apps, app, environment))
    try:
        return await to_the_end(opening)
    except asyncio.CancelledError:
        with contextlib.suppress(ApiError):
            await to_the_end(remove_if_made(apps, opening.result()))
        raise


async def remove_if_made(apps: Apps, site: Site) -> None:
    """Remove what `open_site` made, as far as nobody else uses it by now."""
    environment = await apps.environment(site.environment.id)
    if site.made_environment and not environment.endpoints:
        await apps.delete_environment(environment.id)
    if site.made_app and not (await apps.environments(site.app.id)):
        await apps.delete_app(site.app.id)


async def _open(apps: Apps, app: str, environment: str) -> Site:
    found, made_app = await _app(apps, app)
    try:
        stage, made_environment = await _environment(apps, found.id, environment)
    except ApiError:
        if made_app:
            with contextlib.suppress(ApiError):
                await apps.delete_app(found.id)
        raise
    return Site(found, stage, made_app, made_environment)


async def _app(apps: Apps, name: str) -> tuple[App, bool]:
    try:
        return await apps.app(name), False
    except NotFoundError:
        pass
    try:
        await apps.create_app(name)
    except ApiError as failure:
        try:
            return await apps.app(name), False  # somebody was quicker
        except NotFoundError:
            raise failure from None
    return await apps.app(name), True


async def _environment(apps: Apps, app_id: str, name: str) -> tuple[Environment, bool]:
    try:
        return await apps.environment_by_name(app_id, name), False
    except NotFoundError:
        pass
    try:
        await apps.create_environment(app_id, name)
    except ApiError as failure:
        try:
            return await apps.environment_by_name(app_id, name), False
        except NotFoundError:
            raise failure from None
    return await apps.environment_by_name(app_id, name), True
