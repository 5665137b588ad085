"""The clean end of an environment or an app: what it has goes, a listing shows that it went, and what stays is said.

Volumes hold data and builds can't be deleted one by one (no operation of the platform does), so the first go only where
that is asked for, the second with their app.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from flash_jupyter.deploy.apps import AppDesk, volume_ids
from flash_jupyter.deploy.labels import APP, IS_MOTHERSHIP, is_labelled, own_endpoints
from flash_jupyter.deploy.terms import Progress, Report
from flash_jupyter.errors import ApiError, ManifestServiceUnavailableError, NotFoundError
from flash_jupyter.runtime.state import StateManager
from flash_jupyter.session.links import Link
from flash_jupyter.session.volumes import month_usd, used_by
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import App, Environment
from flash_jupyter.wire.control import Endpoint, Volume

Kind = Literal["endpoint", "template", "volume", "build"]


@dataclass(frozen=True)
class Item:
    """Something of an environment, or of an app."""

    kind: Kind
    name: str
    id: str


@dataclass(frozen=True)
class Left:
    """Something that stays, and why; `usd_per_month` is None where nothing is billed, or no price is documented."""

    kind: Kind
    name: str
    id: str
    why: str
    usd_per_month: float | None = None


@dataclass(frozen=True)
class Inventory:
    """What would be deleted, and what would stay."""

    app: str
    environments: tuple[str, ...]
    items: tuple[Item, ...]
    left: tuple[Left, ...]

    def named(self, kind: Kind) -> tuple[str, ...]:
        """Return the names of what is of one kind."""
        return tuple(each.name for each in self.items if each.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


@dataclass(frozen=True)
class Removed:
    """What a listing no longer shows, and what is left; `is_app` where the app itself went, else environments only."""

    app: str
    environments: tuple[str, ...]
    is_app: bool
    deleted: tuple[Item, ...]
    left: tuple[Left, ...]

    @property
    def usd_per_month(self) -> float:
        """What is left costs so much a month, as far as prices are known."""
        return round(sum(each.usd_per_month or 0.0 for each in self.left), 2)

    def named(self, kind: Kind) -> tuple[str, ...]:
        """Return the names of what was deleted of one kind."""
        return tuple(each.name for each in self.deleted if each.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return {**asdict(self), "left_usd_per_month": self.usd_per_month}


@dataclass(frozen=True)
class _Scope:
    """All that one removal is about, as it was listed; volumes that others use are not among `volumes`."""

    app: App
    environments: tuple[Environment, ...]
    endpoints: tuple[Endpoint, ...]
    templates: Mapping[str, str]
    volumes: tuple[Volume, ...]
    left: tuple[Left, ...]
    #: whether the app itself goes
    is_whole: bool

    @property
    def items(self) -> tuple[Item, ...]:
        endpoints = (Item("endpoint", each.name, each.id) for each in self.endpoints)
        return (*endpoints, *(Item("volume", each.name, each.id) for each in self.volumes))


async def look_at_environment(link: Link, app: str, environment: str, *, volumes: bool) -> Inventory:
    """Return what `remove_environment` would delete; nothing is changed. Raises `OptionError` for an unknown name."""
    found, stage = await AppDesk(link).find_environment(app, environment)
    scope = await _look(link, found, (stage,), volumes=volumes)
    return Inventory(app, (environment,), scope.items, (*scope.left, *_builds_left(scope.app)))


async def look_at_app(link: Link, app: str, *, volumes: bool) -> Inventory:
    """Return what `remove_app` would delete; nothing is changed."""
    scope = await _look_at_app(link, app, volumes=volumes)
    items = (*scope.items, *_builds(scope.app))
    return Inventory(app, tuple(each.name for each in scope.environments), items, scope.left)


async def remove_environment(
    link: Link, app: str, environment: str, *, volumes: bool, report: Report = lambda _: None
) -> Removed:
    """Delete an environment with its endpoints, their templates, and with `volumes` its volumes that nobody else uses.

    May be called again where it was interrupted. Raises `OptionError` for an unknown name, and `ApiError` where
    something is still listed: the environment itself goes last.
    """
    found, stage = await AppDesk(link).find_environment(app, environment)
    scope = await _look(link, found, (stage,), volumes=volumes)
    deleted, left = await _remove(link, scope, report)
    return Removed(app, (environment,), False, deleted, (*left, *_builds_left(scope.app)))


async def remove_app(link: Link, app: str, *, volumes: bool, report: Report = lambda _: None) -> Removed:
    """Delete an app with all its environments and builds, as `remove_environment` does; also endpoints labelled so."""
    scope = await _look_at_app(link, app, volumes=volumes)
    deleted, left = await _remove(link, scope, report)
    apps = Apps(link.http)
    with contextlib.suppress(NotFoundError):
        await apps.delete_app(scope.app.id)
    if any(each.id == scope.app.id for each in await apps.apps()):
        raise ApiError(f"app {app} is still listed", fix=f"try again: flash app delete {app}")
    names = tuple(each.name for each in scope.environments)
    return Removed(app, names, True, (*deleted, *_builds(scope.app)), left)


async def _look_at_app(link: Link, name: str, *, volumes: bool) -> _Scope:
    app = await AppDesk(link).find_app(name)
    apps = Apps(link.http)
    environments = tuple([await apps.environment(each.id) for each in app.environments])
    return await _look(link, app, environments, volumes=volumes, is_whole=True)


async def _look(
    link: Link, app: App, environments: tuple[Environment, ...], *, volumes: bool, is_whole: bool = False
) -> _Scope:
    listed, apps = await link.control.endpoints(), Apps(link.http)
    ids = {each.id for environment in environments for each in await own_endpoints(apps, app.name, environment, listed)}
    # an endpoint whose environment is gone already costs as much as any other
    endpoints = tuple(each for each in listed if each.id in ids or (is_whole and each.env.get(APP) == app.name))
    templates = {
        each.id: each.name
        for each in await link.control.templates.all()
        if any(is_labelled(each.env, app.name, environment) for environment in environments)
        or (is_whole and each.env.get(APP) == app.name)
    }
    wanted = {volume for environment in environments for volume in volume_ids(environment, ())}
    wanted |= {volume for endpoint in endpoints for volume in endpoint.network_volumes}
    found = [each for each in await link.control.volumes.all() if each.id in wanted] if wanted else []
    others = [each for each in listed if each not in endpoints]
    kept = [_volume_left(link, each, others, is_asked=volumes) for each in found]
    stay = {each.id for each in kept if each is not None}
    return _Scope(
        app,
        environments,
        endpoints,
        templates,
        tuple(each for each in found if each.id not in stay),
        tuple(filter(None, kept)),
        is_whole,
    )


def _volume_left(link: Link, volume: Volume, others: Iterable[Endpoint], *, is_asked: bool) -> Left | None:
    """Say why a volume stays; None where it goes."""
    users = used_by(volume.id, others)
    if not users and is_asked:
        return None
    why = f"used by {', '.join(users)}" if users else "its data stays until you delete it: flash volumes delete NAME"
    usd = month_usd(volume.size_gb) if link.backend.name == "runpod" else None
    return Left("volume", volume.name, volume.id, why, usd)


async def _remove(link: Link, scope: _Scope, report: Report) -> tuple[tuple[Item, ...], tuple[Left, ...]]:
    """Delete what is in scope, the environments last: until then they can be found, and the removal be repeated."""
    gone: list[Item] = []
    endpoints = sorted(scope.endpoints, key=lambda each: each.env.get(IS_MOTHERSHIP) != "true")
    # the map first, then the motherships: these make nothing anew
    for environment in scope.environments:
        await _forget(link, environment)
    total = len(scope.endpoints)
    if total:
        report(Progress("remove", f"deleting {total} endpoint{'' if total == 1 else 's'}", 0, total))

    def tell(done: int, name: str) -> None:
        report(Progress("remove", f"deleting endpoints: {name}", done, total))

    await link.provisioner.undeploy(endpoints, tell)
    gone += [Item("endpoint", each.name, each.id) for each in scope.endpoints]
    gone += await _remove_templates(link, scope.templates)
    if scope.volumes:
        report(Progress("remove", "deleting network volumes"))
        gone += await _remove_volumes(link, scope.volumes)
    report(Progress("remove", "deleting the environment"))
    await _remove_environments(link, scope)
    return tuple(gone), scope.left


async def _remove_templates(link: Link, templates: Mapping[str, str]) -> list[Item]:
    """Delete the templates that did not go with their endpoints; returns all that are gone."""
    if not templates:
        return []
    for each in await link.control.templates.all():
        if each.id in templates:
            with contextlib.suppress(NotFoundError):
                await link.control.templates.delete(each.id)
    left = sorted({each.name for each in await link.control.templates.all() if each.id in templates})
    if left:
        raise ApiError(f"still listed: templates {', '.join(left)}", fix="try again in a minute, the same command")
    return [Item("template", name, template_id) for template_id, name in templates.items()]


async def _remove_volumes(link: Link, volumes: Iterable[Volume]) -> list[Item]:
    wanted = {each.id: each.name for each in volumes}
    for volume_id in wanted:
        with contextlib.suppress(NotFoundError):
            await link.control.volumes.delete(volume_id)
    left = [each.name for each in await link.control.volumes.all() if each.id in wanted]
    if left:
        raise ApiError(
            f"still listed: network volumes {', '.join(sorted(left))}; they go on to cost money",
            fix="try again in a minute, the same command",
        )
    return [Item("volume", name, volume_id) for volume_id, name in wanted.items()]


async def _forget(link: Link, environment: Environment) -> None:
    """Take an environment's endpoints out of the manifest of its build, which other environments may run too."""
    manager = StateManager(Apps(link.http))
    with contextlib.suppress(ManifestServiceUnavailableError):  # then the manifest has entries that nobody reads
        known = await manager.endpoints(environment.id)
        await manager.update_all(environment.id, dict.fromkeys(known))


async def _remove_environments(link: Link, scope: _Scope) -> None:
    apps = Apps(link.http)
    for each in scope.environments:
        with contextlib.suppress(NotFoundError):
            await apps.delete_environment(each.id)
    wanted = {each.id for each in scope.environments}
    left = [each.name for each in await apps.environments(scope.app.id) if each.id in wanted]
    if left:
        raise ApiError(
            f"still listed: environment {', '.join(left)} of app {scope.app.name}; its endpoints are deleted",
            fix="try again in a minute, the same command",
        )


def _builds(app: App) -> tuple[Item, ...]:
    return tuple(Item("build", each.id, each.id) for each in app.builds)


def _builds_left(app: App) -> tuple[Left, ...]:
    why = f"goes with its app: flash app delete {app.name}"
    return tuple(Left("build", each.id, each.id, why) for each in app.builds)
