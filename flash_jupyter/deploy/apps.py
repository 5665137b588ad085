"""Apps and their environments as the platform has them: listed, looked at, made. Their removal is `removal.py`."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from flash_jupyter.deploy.history import builds_before
from flash_jupyter.deploy.labels import BUILD, IS_MOTHERSHIP, endpoints_of, own_endpoints
from flash_jupyter.errors import NotFoundError, OptionError
from flash_jupyter.session.endpoints import describe_hardware, describe_state, health_of
from flash_jupyter.session.links import Link
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import App, Build, Environment, Named
from flash_jupyter.wire.control import Endpoint


@dataclass(frozen=True)
class EndpointLine:
    """An endpoint of an environment; `state` is None where it has no queue or did not answer."""

    name: str
    id: str
    kind: str
    hardware: str
    state: str | None
    url: str
    build_id: str


@dataclass(frozen=True)
class VolumeLine:
    """A network volume that an environment's workers mount."""

    name: str
    id: str


@dataclass(frozen=True)
class EnvironmentLine:
    """One environment in a listing; `endpoints` are counted by their labels."""

    app: str
    name: str
    id: str
    state: str
    build_id: str | None
    created_at: str
    endpoints: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


@dataclass(frozen=True)
class EnvironmentView:
    """One environment with what it has; `before` are the builds that served before the present one, the last first."""

    app: str
    name: str
    id: str
    state: str
    build_id: str | None
    created_at: str
    endpoints: tuple[EndpointLine, ...]
    volumes: tuple[VolumeLine, ...]
    before: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


@dataclass(frozen=True)
class BuildLine:
    """A build of an app, and the environments that run it."""

    id: str
    created_at: str
    runs_in: tuple[str, ...]


@dataclass(frozen=True)
class AppView:
    """One app with its environments and its builds, newest first."""

    name: str
    id: str
    environments: tuple[EnvironmentLine, ...]
    builds: tuple[BuildLine, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


@dataclass(frozen=True)
class Made:
    """An environment after `new`: which of the two were made now."""

    app: str
    environment: str
    id: str
    is_new_app: bool

    def to_json(self) -> dict[str, Any]:
        """Return the fields as `--json` prints them."""
        return asdict(self)


class AppDesk:
    """Apps and environments of one backend; used on the loop thread only.

    What does not exist is an `OptionError` that names what does; everything else raises `ApiError`s.
    """

    def __init__(self, link: Link) -> None:
        self._link, self._apps = link, Apps(link.http)

    async def all(self) -> list[AppView]:
        """Return all apps, by name: two calls, whatever there is."""
        apps, endpoints = await asyncio.gather(self._apps.apps(), self._link.control.endpoints())
        return [_app_view(app, endpoints) for app in sorted(apps, key=lambda each: each.name)]

    async def app(self, name: str) -> AppView:
        """Return one app."""
        app, endpoints = await asyncio.gather(self.find_app(name), self._link.control.endpoints())
        return _app_view(app, endpoints)

    async def create_app(self, name: str) -> Named:
        """Make an app; raises `OptionError` for a name that is taken, or can't be one."""
        check_name(name, "app")
        if any(each.name == name for each in await self._apps.apps()):
            raise OptionError(f"there is an app {name} already", fix="choose another name, or use it as it is")
        return await self._apps.create_app(name)

    async def create_environment(self, app: str, name: str) -> Made:
        """Make an environment, and its app where that is not there."""
        check_name(app, "app")
        check_name(name, "environment")
        found = {each.name: each for each in await self._apps.apps()}.get(app)
        if found and any(each.name == name for each in found.environments):
            raise OptionError(
                f"app {app} has an environment {name} already", fix=f"send a build to it: flash deploy send {name}"
            )
        app_id = found.id if found else (await self._apps.create_app(app)).id
        made = await self._apps.create_environment(app_id, name)
        return Made(app, name, made.id, is_new_app=found is None)

    async def environment(self, app: str, name: str) -> EnvironmentView:
        """Return one environment with its endpoints and volumes, and what each endpoint is doing."""
        found, environment = await self.find_environment(app, name)
        endpoints = await own_endpoints(self._apps, app, environment, await self._link.control.endpoints())
        lines = await asyncio.gather(*(self._line(each) for each in endpoints))
        volumes = await self._volumes(environment, endpoints)
        return EnvironmentView(
            app=app,
            name=name,
            id=environment.id,
            state=environment.state or "PENDING",
            build_id=environment.active_build_id,
            created_at=environment.created_at or "",
            endpoints=tuple(lines),
            volumes=volumes,
            before=await builds_before(self._apps, found, environment),
        )

    async def find_app(self, name: str) -> App:
        """Return the platform's own document of an app."""
        try:
            return await self._apps.app(name)
        except NotFoundError:
            raise _unknown("app", name, (each.name for each in await self._apps.apps())) from None

    async def find_environment(self, app: str, name: str) -> tuple[App, Environment]:
        """Return the platform's own documents of an app and its environment, which has endpoints and volumes."""
        found = await self.find_app(app)
        named = {each.name: each.id for each in found.environments}
        if name not in named:
            raise _unknown("environment", name, named, f" in app {app}")
        return found, await self._apps.environment(named[name])

    async def _line(self, endpoint: Endpoint) -> EndpointLine:
        is_queue = endpoint.type == "QUEUE"
        health = await health_of(self._link, endpoint) if is_queue else None
        kind = "queue" if is_queue else "load balancer"
        return EndpointLine(
            name=endpoint.name,
            id=endpoint.id,
            kind="mothership" if endpoint.env.get(IS_MOTHERSHIP) == "true" else kind,
            hardware=describe_hardware(endpoint),
            state=describe_state(health) if health else None,
            url=endpoint.base_url,
            build_id=endpoint.env.get(BUILD, ""),
        )

    async def _volumes(self, environment: Environment, endpoints: Iterable[Endpoint]) -> tuple[VolumeLine, ...]:
        ids = volume_ids(environment, endpoints)
        if not ids:
            return ()
        named = {volume.id: volume.name for volume in await self._link.control.volumes.all()}
        return tuple(VolumeLine(named[each], each) for each in sorted(ids) if each in named)


def volume_ids(environment: Environment, endpoints: Iterable[Endpoint]) -> set[str]:
    """Return the ids of the network volumes that an environment has, or its endpoints mount."""
    return {each.id for each in environment.network_volumes} | {
        volume for endpoint in endpoints for volume in endpoint.network_volumes
    }


def check_name(name: str, what: str) -> None:
    """Refuse a name that could not be written as APP/ENV/NAME, or not be read.

    >>> check_name("live", "environment")
    """
    if not name or name != name.strip() or "/" in name or not name.isprintable():
        raise OptionError(
            f"{name!r} can't be the name of an {what}", fix="use letters, digits, - and _, as in production"
        )


def _app_view(app: App, endpoints: Iterable[Endpoint]) -> AppView:
    listed = tuple(endpoints)
    lines = tuple(_environment_line(app.name, each, listed) for each in app.environments)
    return AppView(app.name, app.id, lines, tuple(_build_line(each, app) for each in newest_first(app.builds)))


def _environment_line(app: str, environment: Environment, endpoints: Iterable[Endpoint]) -> EnvironmentLine:
    return EnvironmentLine(
        app=app,
        name=environment.name,
        id=environment.id,
        state=environment.state or "PENDING",
        build_id=environment.active_build_id,
        created_at=environment.created_at or "",
        endpoints=len(endpoints_of(app, environment, endpoints)),
    )


def _build_line(build: Build, app: App) -> BuildLine:
    runs_in = tuple(each.name for each in app.environments if each.active_build_id == build.id)
    return BuildLine(build.id, build.created_at or "", runs_in)


def newest_first(builds: Iterable[Build]) -> list[Build]:
    """Sort builds by their creation, the newest first."""
    return sorted(builds, key=lambda each: each.created_at or "", reverse=True)


def _unknown(what: str, name: str, known: Iterable[str], where: str = "") -> OptionError:
    """Say what there is instead."""
    there = sorted(known)
    near = difflib.get_close_matches(name, there, n=1)
    if near:
        return OptionError(f"there is no {what} {name}{where}", fix=f"did you mean {near[0]}?", suggestion=near[0])
    make = {"app": "make one: flash app create NAME", "environment": f"make it: flash deploy new {name}"}
    fix = f"choose one of: {', '.join(there)}" if there else make[what]
    return OptionError(f"there is no {what} {name}{where}", fix=fix)
