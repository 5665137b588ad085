"""Flash apps: their environments, builds and artifacts (flash-wire.md 1.2 and 7).

What the platform does with an app or environment that still has endpoints is not documented; the released clients
delete endpoints first. Here it is refused, so that nothing that costs money loses its app.

`POST /v2/flash/runsync` and its companions call a deployed endpoint by app, environment and name, in headers
(flash-wire.md 3.4).

Apps that somebody looks at before they are deployed end with the process that made them, however that ends: their name
says which. This is ours alone, the platform has no previews.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from flash_jupyter import limits
from flash_jupyter.emulator.artifacts import Artifacts, check_size
from flash_jupyter.emulator.jobs import BadRequest
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.tables import ArtifactUpload, FlashApp, FlashBuild, FlashEnvironment, new_id
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, NoSuchJob, World
from flash_jupyter.processes import lives

T = TypeVar("T")
#: stands for an endpoint in a path of the data plane
FLASH_ID = "flash"
HEADERS = ("X-Flash-App", "X-Flash-Environment", "X-Flash-Endpoint")


class Apps:
    """The life of apps; every lookup raises `Problem` where there is nothing."""

    def __init__(self, world: World, artifacts: Artifacts) -> None:
        self._world, self._artifacts, self._tables = world, artifacts, world.store.flash

    # --- apps --------------------------------------------------------------------------------------------------

    def all(self) -> list[FlashApp]:
        """Return all apps, oldest first."""
        return self._tables.apps.all()

    def app(self, app_id: str) -> FlashApp:
        """Return an app by its id."""
        return _found(self._tables.apps.get(app_id), "app", app_id)

    def app_named(self, name: str) -> FlashApp:
        """Return an app by its name; released clients look for `app not found` in the error and then make it."""
        return _found(self._tables.apps.first(name=name), "app", name)

    def create_app(self, name: str) -> FlashApp:
        """Make an app."""
        _check_name(name, taken=self._tables.apps.first(name=name) is not None, kind="app")
        return self._tables.apps.put(FlashApp(new_id(), self._world.clock(), name))

    def delete_app(self, app_id: str) -> None:
        """Delete an app with its environments, builds and artifacts; not while an endpoint is in it."""
        app = self.app(app_id)
        environments = self.environments(app)
        for environment in environments:
            self._check_empty(environment)
        with self._world.store.transaction():
            for environment in environments:
                self._tables.environments.delete(environment)
            for build in self.builds(app):
                self._tables.builds.delete(build)
            for upload in self._tables.uploads.all(app_id=app.id):
                self._forget_upload(upload)
            self._tables.apps.delete(app)

    # --- environments ------------------------------------------------------------------------------------------

    def environments(self, app: FlashApp) -> list[FlashEnvironment]:
        """Return an app's environments, oldest first."""
        return self._tables.environments.all(app_id=app.id)

    def environment(self, environment_id: str) -> FlashEnvironment:
        """Return an environment by its id."""
        return _found(self._tables.environments.get(environment_id), "environment", environment_id)

    def environment_named(self, app_id: str, name: str) -> FlashEnvironment:
        """Return an environment of an app by its name."""
        return _found(self._tables.environments.first(app_id=app_id, name=name), "environment", name)

    def create_environment(self, app_id: str, name: str) -> FlashEnvironment:
        """Make an environment."""
        app = self.app(app_id)
        taken = self._tables.environments.first(app_id=app.id, name=name) is not None
        _check_name(name, taken=taken, kind="environment")
        made = FlashEnvironment(new_id(), self._world.clock(), app.id, name, None, None, [])
        return self._tables.environments.put(made)

    def delete_environment(self, environment_id: str) -> None:
        """Delete an environment; not while an endpoint is in it."""
        environment = self.environment(environment_id)
        self._check_empty(environment)
        self._tables.environments.delete(environment)

    def set_status(self, environment_id: str, status: str) -> FlashEnvironment:
        """Give an environment the state that a client says."""
        return self._tables.environments.put(replace(self.environment(environment_id), status=status))

    def add_volume(self, environment_id: str, volume_id: str) -> FlashEnvironment:
        """Add a network volume to an environment."""
        environment = self.environment(environment_id)
        volumes = [*environment.volumes, *([] if volume_id in environment.volumes else [volume_id])]
        return self._tables.environments.put(replace(environment, volumes=volumes))

    def endpoints(self, environment: FlashEnvironment) -> list[Endpoint]:
        """Return the endpoints that are in an environment."""
        return [each for each in self._world.endpoints.values() if environment_id_of(each) == environment.id]

    def called(self, headers: Mapping[str, str], job_id: str | None) -> Endpoint:
        """Return the endpoint that a request to `flash` means; raises `NoSuchEndpoint`, `NoSuchJob` or `BadRequest`.

        A request about a job needs none of the headers: its id says the endpoint.
        """
        given = [headers.get(name, "") for name in HEADERS]
        if all(given):
            return self._endpoint_named(*given)
        if job_id is None:
            missing = [name for name, value in zip(HEADERS, given, strict=True) if not value]
            raise BadRequest(f"a request to {FLASH_ID!r} needs the header {missing[0]}")
        job = self._world.jobs.get(job_id)
        if job is None:
            raise NoSuchJob(job_id)
        return self._world.endpoint(job.endpoint_id)

    def _endpoint_named(self, app: str, environment: str, endpoint: str) -> Endpoint:
        wanted = plain_name(endpoint)
        with suppress(Problem):
            for each in self.endpoints(self.environment_named(self.app_named(app).id, environment)):
                if plain_name(each.document["name"]) == wanted:
                    return each
        raise NoSuchEndpoint(f"{app}/{environment}/{endpoint}")

    def state(self, environment: FlashEnvironment) -> str:
        """Return what a client has set, else PENDING without a build, DEPLOYING until it has an endpoint, HEALTHY."""
        if environment.status is not None:
            return environment.status
        if environment.build_id is None:
            return "PENDING"
        return "HEALTHY" if self.endpoints(environment) else "DEPLOYING"

    def _check_empty(self, environment: FlashEnvironment) -> None:
        names = [endpoint.document["name"] for endpoint in self.endpoints(environment)]
        if names:
            text = f"flash environment {environment.name!r} still has endpoints: {', '.join(names)}; delete them first"
            raise Problem(409, text)

    # --- builds ------------------------------------------------------------------------------------------------

    def builds(self, app: FlashApp) -> list[FlashBuild]:
        """Return an app's builds, oldest first."""
        return self._tables.builds.all(app_id=app.id)

    def build(self, build_id: str) -> FlashBuild:
        """Return a build by its id."""
        return _found(self._tables.builds.get(build_id), "build", build_id)

    def prepare_upload(self, app_id: str, size: int) -> ArtifactUpload:
        """Announce an artifact of `size` bytes; uploads that expired without becoming a build are forgotten."""
        app = self.app(app_id)
        check_size(size)
        self._forget_expired()
        upload_id, now = new_id(), self._world.clock()
        key = f"flash/{app.id}/{upload_id}.tar.gz"
        expires_at = now + limits.UPLOAD_URL_S
        return self._tables.uploads.put(ArtifactUpload(upload_id, now, app.id, key, size, expires_at))

    def upload(self, object_key: str) -> ArtifactUpload:
        """Return an upload by its object key."""
        return _found(self._tables.uploads.first(object_key=object_key), "artifact", object_key)

    def finalize(self, app_id: str, object_key: str, manifest: dict[str, Any]) -> FlashBuild:
        """Make a build of an artifact that was uploaded."""
        app, upload = self.app(app_id), self.upload(object_key)
        if upload.app_id != app.id or not self._artifacts.path(upload).is_file():
            raise Problem(404, f"flash artifact not found: {object_key}; upload it first")
        made = FlashBuild(new_id(), self._world.clock(), app.id, object_key, manifest)
        return self._tables.builds.put(made)

    def set_manifest(self, build_id: str, manifest: dict[str, Any]) -> FlashBuild:
        """Replace the manifest of a build."""
        return self._tables.builds.put(replace(self.build(build_id), manifest=manifest))

    def deploy(self, environment_id: str, build_id: str) -> FlashEnvironment:
        """Make a build the active one of an environment; workers that start from now on get its artifact."""
        environment, build = self.environment(environment_id), self.build(build_id)
        if build.app_id != environment.app_id:
            raise Problem(400, "the build belongs to another app than the environment")
        return self._tables.environments.put(replace(environment, build_id=build.id, status=None))

    def artifact_of(self, endpoint: Endpoint) -> Path | None:
        """Return the file that the workers of an endpoint get: that of its environment's active build."""
        environment_id = environment_id_of(endpoint)
        environment = self._tables.environments.get(environment_id) if environment_id else None
        if environment is None or environment.build_id is None:
            return None
        path = self._artifacts.path(self.upload(self.build(environment.build_id).object_key))
        return path if path.is_file() else None

    def _forget_expired(self) -> None:
        built = {build.object_key for build in self._tables.builds.all()}
        for upload in self._tables.uploads.all():
            if upload.expires_at < self._world.clock() and upload.object_key not in built:
                self._forget_upload(upload)

    def _forget_upload(self, upload: ArtifactUpload) -> None:
        self._tables.uploads.delete(upload)
        self._artifacts.remove(upload)


def environment_id_of(endpoint: Endpoint) -> str | None:
    """Return the id of the environment that an endpoint is in, if it is in one."""
    found: str | None = endpoint.document.get("graphql", {}).get("flashEnvironmentId")
    return found


def _check_name(name: str, *, taken: bool, kind: str) -> None:
    if not name.strip():
        raise Problem(400, f"a flash {kind} needs a name")
    if taken:
        raise Problem(409, f"there is a flash {kind} {name!r} already")


def _found(row: T | None, kind: str, what: str) -> T:
    if row is None:
        raise Problem(404, f"flash {kind} not found: {what}")
    return row


def plain_name(name: str) -> str:
    """Return a resource's name without what the released clients add to an endpoint's.

    >>> plain_name("live-ocr-fb"), plain_name("ocr")
    ('ocr', 'ocr')
    """
    return name.removeprefix("live-").removesuffix("-fb")


def remove_previews(apps: Apps, delete: Callable[[Endpoint], None]) -> None:
    """Delete the previews of processes that have ended, with their endpoints and their artifacts."""
    for app in apps.all():
        if is_left_behind(app.name):
            for environment in apps.environments(app):
                for endpoint in apps.endpoints(environment):
                    delete(endpoint)
            apps.delete_app(app.id)


def is_left_behind(name: str) -> bool:
    """Whether an app is a preview whose process is gone: `preview:PID:CREATED:PROJECT`, in seconds since the epoch.

    >>> is_left_behind("preview:999999999:1.00:shop"), is_left_behind("preview"), is_left_behind("shop")
    (True, False, False)
    """
    prefix, _, rest = name.partition(":")
    pid, _, rest = rest.partition(":")
    created = rest.partition(":")[0]
    if prefix != "preview" or not pid.isdigit():
        return False
    try:
        return not lives(pid, created)
    except ValueError:
        return True
