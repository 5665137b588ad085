"""What an environment of an app runs now, as the server says it: its build's manifest, and its endpoints.

Never from a local file: any machine with the key finds the same.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from flash_jupyter.build.asking import Served
from flash_jupyter.build.manifest import Function, Resource
from flash_jupyter.deploy.labels import own_endpoints, resource_of
from flash_jupyter.errors import ManifestError, NotFoundError
from flash_jupyter.session.links import Link
from flash_jupyter.session.requests import open_link
from flash_jupyter.session.session import Session
from flash_jupyter.settings import BackendName
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import App, Environment
from flash_jupyter.wire.control import Endpoint


@dataclass(frozen=True)
class Live:
    """A resource of the manifest, and the endpoint that serves it; None where it is missing."""

    name: str
    resource: Resource
    endpoint: Endpoint | None

    @property
    def is_ours(self) -> bool:
        """Whether our handlers serve it, which take the pickled form: released clients write no `config`."""
        return "config" in self.resource.model_fields_set

    @property
    def served(self) -> Served | None:
        """The same for who makes URLs and lines for a terminal."""
        if self.endpoint is None:
            return None
        return Served(self.name, self.endpoint.id, self.endpoint.base_url, self.resource)


@dataclass(frozen=True)
class Deployment:
    """An environment of an app with all its resources."""

    app: str
    environment: str
    build_id: str
    resources: tuple[Live, ...]

    def functions(self) -> dict[str, tuple[Function, Live]]:
        """Return the functions by name, and where each is served."""
        return {function.name: (function, live) for live in self.resources for function in live.resource.functions}

    def find(self, name: str) -> tuple[Function, Live]:
        """Return the function of this name, or raise `NotFoundError` which says what is nearest."""
        functions = self.functions()
        if name not in functions:
            raise NotFoundError(f"{self.app}/{self.environment} serves no {name}", fix=nearest(name, functions))
        return functions[name]


async def look_up(link: Link, app: str, environment: str) -> Deployment:
    """Ask the server what an environment runs.

    Raises `NotFoundError` for an app and an environment that do not exist, and for one without a build, `ApiError`s,
    and `ManifestError` for a manifest that is none.
    """
    apps = Apps(link.http)
    found = await _environment(apps, await _app(apps, app, link.backend.name), environment)
    if found.active_build_id is None:
        raise NotFoundError(
            f"environment {environment} of {app} runs nothing yet", fix=f"send a build: flash deploy send {environment}"
        )
    manifest = await apps.manifest(found.active_build_id)
    own = await own_endpoints(apps, app, found, await link.control.endpoints())
    endpoints = sorted(own, key=lambda each: each.created_at, reverse=True)
    named = manifest.get("environments", {}).get(found.id, {})
    resources = tuple(
        Live(name, resource, _chosen(endpoints, name, named.get(name, {}).get("endpoint_id")))
        for name, resource in _resources(manifest, found.active_build_id).items()
    )
    return Deployment(app, environment, found.active_build_id, resources)


async def _app(apps: Apps, name: str, backend: str) -> App:
    try:
        return await apps.app(name)
    except NotFoundError:
        known = [each.name for each in await apps.apps() if not each.name.startswith("preview:")]
        place = "the local Runpod" if backend == "local" else "Runpod"
        raise NotFoundError(f"there is no app {name} on {place}", fix=nearest(name, known)) from None


async def _environment(apps: Apps, app: App, name: str) -> Environment:
    for each in app.environments:
        if each.name == name:
            return await apps.environment(each.id)
    known = [each.name for each in app.environments]
    raise NotFoundError(f"app {app.name} has no environment {name}", fix=nearest(name, known))


def nearest(name: str, known: Iterable[str]) -> str:
    """Say what was probably meant.

    >>> nearest("scroe", ["score", "train"]), nearest("x", ["score", "train"]), nearest("x", [])
    ('did you mean score?', 'there are score, train', 'deploy it first: flash deploy new ENV, flash deploy send ENV')
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    word = "there is" if len(names) == 1 else "there are"
    return f"{word} {', '.join(names)}" if names else "deploy it first: flash deploy new ENV, flash deploy send ENV"


def _resources(manifest: Mapping[str, Any], build_id: str) -> dict[str, Resource]:
    try:
        return {name: Resource.model_validate(each) for name, each in manifest.get("resources", {}).items()}
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ManifestError(
            f"the manifest of build {build_id} is not what we know: {where}: {first['msg'].lower()}",
            fix="build and send it again with this version",
        ) from None


def _chosen(newest_first: list[Endpoint], resource: str, endpoint_id: str | None) -> Endpoint | None:
    """The endpoint of a resource: the one that the manifest names, where there are several, else the newest."""
    of_resource = [each for each in newest_first if resource_of(each) == resource]
    named = [each for each in of_resource if each.id == endpoint_id]
    return next(iter([*named, *of_resource]), None)


class Whereabouts:
    """What all functions of an app share: where it is, and how it is asked for."""

    def __init__(self, sessions: Callable[[], Session], backend: BackendName, app: str, environment: str) -> None:
        self._sessions, self.backend = sessions, backend
        self.app, self.environment = app, environment
        session = self.session
        self.deployment: Deployment = session.loop.call(self._look(session))

    def __str__(self) -> str:
        return f"{self.app}/{self.environment}"

    @property
    def session(self) -> Session:
        """The kernel's session of now, with the limits of now; not on the loop thread, which it may end."""
        return self._sessions()

    async def live(self, link: Link, resource: str, *, moved: bool) -> Live:
        """Return what serves a resource; on the loop thread. `moved` asks the server anew."""
        live = self._known(resource)
        if moved or live is None or live.endpoint is None:
            self.deployment = await look_up(link, self.app, self.environment)
            live = self._known(resource)
        if live is None:
            raise NotFoundError(
                f"{self.app}/{self.environment} has no resource {resource} any more",
                fix="open the app again: flash_jupyter.app(...)",
            )
        return live

    def _known(self, resource: str) -> Live | None:
        return next((each for each in self.deployment.resources if each.name == resource), None)

    async def _look(self, session: Session) -> Deployment:
        return await look_up(await open_link(session, self.backend), self.app, self.environment)
