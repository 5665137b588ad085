"""The endpoints of one environment, by what the platform lists: made, changed, given back what they had, removed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from flash_jupyter.build.standins import stand_in
from flash_jupyter.deploy.fields import fields_of_endpoint, fields_of_spec, save_input
from flash_jupyter.deploy.labels import BUILD, RUN, TRIAL, own_endpoints, resource_of
from flash_jupyter.deploy.plan import Existing
from flash_jupyter.deploy.wanted import Place, Wanted
from flash_jupyter.errors import ApiError, DeployError
from flash_jupyter.resources.drift import PLATFORM_VARIABLES
from flash_jupyter.resources.endpoint import CREATED, EXPIRES, INTERPRETER, OWNER
from flash_jupyter.session.links import Link
from flash_jupyter.session.volumes import resolve_volumes
from flash_jupyter.settings import Settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.refusals import may_have_worked
from flash_jupyter.wire.control import Endpoint

#: after a doubtful end of a create: seconds before each look whether it worked all the same
LOOKS_S = (0.5, 2.0, 5.0)
CPU_IMAGE = "runpod/flash-cpu:latest"

Say = Callable[[str], None]


@dataclass
class Endpoints:
    """Endpoints of one environment, over one link. `python` is that of the build's workers.

    A trial's have the label of it and an end, so that whoever sweeps finds them.
    """

    link: Link
    settings: Settings
    place: Place
    python: str
    trial: str = ""
    trial_ttl: timedelta = timedelta(minutes=30)
    #: labels what is made here, so that nobody else's is taken for it
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    #: volumes that were made here, for endpoints that may not come
    made_volumes: list[str] = field(default_factory=list)

    async def listed(self) -> list[Endpoint]:
        """Return the endpoints that the platform has in this environment."""
        apps = Apps(self.link.http)
        environment, endpoints = await asyncio.gather(
            apps.environment(self.place.environment_id), self.link.control.endpoints()
        )
        return list(await own_endpoints(apps, self.place.app, environment, endpoints))

    async def create(self, wanted: Wanted, build_id: str, say: Say, *, name: str = "") -> str:
        """Make an endpoint, once, and return its id: a create that failed and may have worked is looked for."""
        resolved = await resolve_volumes(
            self.link.control.volumes, wanted.spec, say, is_billed=self.link.backend.name == "runpod"
        )
        self.made_volumes += resolved.made
        wanted = replace(wanted, spec=resolved.spec)
        env = {**await self._env(wanted, build_id), **self._own_labels()}
        # the platform takes no two templates of one name
        template = f"{name or wanted.name}__{self.place.environment_id}__{self.run}"
        body = save_input(name or wanted.name, fields_of_spec(wanted.spec, wanted.env), env, template)
        try:
            saved = await Apps(self.link.http).save_endpoint({**body, "flashEnvironmentId": self.place.environment_id})
        except ApiError as failure:
            if not may_have_worked(failure):
                raise
            return await self._adopted(wanted, failure)
        return saved.id

    async def update(self, endpoint: Endpoint, wanted: Wanted, build_id: str) -> None:
        """Give an endpoint its whole configuration; who made it and when stays, and what the platform put there."""
        kept = (OWNER, CREATED, RUN, *PLATFORM_VARIABLES)
        env = {
            **{name: endpoint.env[name] for name in kept if name in endpoint.env},
            **await self._env(wanted, build_id),
        }
        fields = fields_of_spec(wanted.spec, wanted.env)
        await self._save(endpoint, fields, env)

    async def restore(self, endpoint: Endpoint, build_id: str) -> None:
        """Give an endpoint the configuration back that it had when it was read, before this build's deploy changed it.

        Raises `DeployError` where another deploy has changed it since, whose it is then, and `ApiError`s.
        """
        listed = {each.id: each for each in await self.link.control.endpoints()}
        now = listed.get(endpoint.id, endpoint).env.get(BUILD)
        if now not in (build_id, endpoint.env.get(BUILD)):
            raise DeployError(
                f"another deploy has changed it: it is of {f'build {now}' if now else 'no build of ours'}"
            )
        await self._save(endpoint, fields_of_endpoint(endpoint), endpoint.env)

    async def remove(self, endpoints: Iterable[Endpoint]) -> list[str]:
        """Delete endpoints; returns their names once a listing no longer shows them. Raises `ApiError`."""
        return await self.link.provisioner.undeploy(endpoints)

    async def _save(self, endpoint: Endpoint, fields: Mapping[str, object], env: Mapping[str, str]) -> None:
        template = f"{endpoint.name}__{self.place.environment_id}__{endpoint.id}"
        body = save_input(endpoint.name, fields, env, template)
        await Apps(self.link.http).save_endpoint(
            {**body, "id": endpoint.id, "flashEnvironmentId": self.place.environment_id}
        )

    def remake(self, endpoint: Endpoint) -> dict[str, object]:
        """Return what makes an endpoint anew as it is; who does that gives its template a name of its own."""
        body = save_input(endpoint.name, fields_of_endpoint(endpoint), endpoint.env, "")
        return {**body, "flashEnvironmentId": self.place.environment_id}

    def made_it(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint was made here, and not by another machine."""
        return endpoint.env.get(RUN) == self.run

    async def _adopted(self, wanted: Wanted, failure: ApiError) -> str:
        for pause_s in LOOKS_S:
            await asyncio.sleep(pause_s)
            for each in await self.listed():
                if self.made_it(each) and resource_of(each) == wanted.name:
                    return each.id
        raise failure

    async def _env(self, wanted: Wanted, build_id: str) -> dict[str, str]:
        return {**wanted.env, **wanted.labels(build_id), **await self._interpreter(wanted)}

    async def _interpreter(self, wanted: Wanted) -> dict[str, str]:
        """On the embedded Runpod an environment of this machine stands for the image (`build/standins.py`)."""
        if self.link.backend.name != "local":
            return {}
        image, python = wanted.spec.image or CPU_IMAGE, wanted.resource.target_python_version or self.python
        return {INTERPRETER: str(await asyncio.to_thread(stand_in, image, python, self.settings.cache))}

    def _own_labels(self) -> dict[str, str]:
        labels = {OWNER: self.settings.owner, CREATED: _time(self._now()), RUN: self.run}
        if not self.trial:
            return labels
        return {**labels, TRIAL: self.trial, EXPIRES: _time(self._now() + self.trial_ttl)}

    def _now(self) -> datetime:
        return self.link.http.server_now()


def existing(endpoint: Endpoint, wanted: Wanted | None) -> Existing:
    """Return an endpoint as a plan reads it: who says nothing of data centres is content with those that it has."""
    fields = fields_of_endpoint(endpoint)
    if wanted is not None and not wanted.spec.data_centers:
        fields["locations"] = []
    return Existing(resource_of(endpoint), endpoint.id, fields, endpoint.created_at)


def _time(when: datetime) -> str:
    return when.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
