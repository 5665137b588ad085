"""A new version beside the old one, before it takes its place: an environment of its own, with what changed.

Nothing of it stays, however it ends. What a killed process leaves has labels: the next deploy of this machine removes
it at once, any other, and a sweep, when its time is over.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flash_jupyter.build.manifest import Manifest
from flash_jupyter.deploy.environment import Endpoints
from flash_jupyter.deploy.labels import ENVIRONMENT_ID, TRIAL, resource_of
from flash_jupyter.deploy.plan import Action, Plan
from flash_jupyter.deploy.records import announce
from flash_jupyter.deploy.stored import with_stored_templates
from flash_jupyter.deploy.terms import Progress
from flash_jupyter.deploy.together import to_the_end, together
from flash_jupyter.deploy.verify import Verified, Verifier
from flash_jupyter.deploy.wanted import Place, Wanted, needs_key, wanted_of
from flash_jupyter.errors import NotFoundError
from flash_jupyter.quantities import read_time
from flash_jupyter.runtime.state import Deployed
from flash_jupyter.session.links import Link
from flash_jupyter.session.local_admin import ensure_runtime_secret
from flash_jupyter.session.sweep import has_expired
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import App
from flash_jupyter.wire.control import Endpoint

#: fields that have nothing to do with whether the new version works
SCALING = ("workers.min", "workers.max", "idleTimeout", "scalerType", "scalerValue", "flashboot")
_WORD = "-trial-"
#: characters of a resource's name in that of its trial
NAME = 80


@dataclass(frozen=True)
class Trial:
    """What is tried: `endpoints` are those of the real environment, whose place it would take; `app` is the app's id.

    `locks` is the folder of this machine, whose leftovers are known by it.
    """

    link: Link
    endpoints: Endpoints
    verifier: Verifier
    app_id: str
    locks: Path
    runtime_secret: str

    async def run(self, build_id: str, names: list[str], standing: Mapping[str, Deployed]) -> Verified:
        """Try these resources; raises what `Verifier.verify` raises. `standing` are those that stay as they are."""
        real, apps = self.endpoints.place, Apps(self.link.http)
        mark = mark_of(self.locks)
        name = f"{real.environment}{_WORD}{mark}{secrets.token_hex(3)}"
        try:
            environment = await apps.create_environment(self.app_id, name)
            place = Place(real.app, name, environment.id)
            await provide_key(self.link, self.verifier.manifest, self.runtime_secret, environment.id)
            await apps.deploy(environment.id, build_id)
            inside = replace(self.endpoints, place=place, trial=mark)
            wanted = await with_stored_templates(self._wanted(names, place), self.link.control.templates)
            self.verifier.report(Progress("trial", f"trying {', '.join(sorted(names))} beside the old version"))
            await together((self._make(inside, wanted[each], build_id) for each in names), finish=True)
            endpoints = {resource_of(each): each for each in await inside.listed()}
            await announce(apps, build_id, environment.id, {**standing, **_deployed(endpoints)})
            return await self.verifier.verify(build_id, wanted, endpoints, is_trial=True)
        finally:
            await to_the_end(self._remove(name, build_id))

    def _wanted(self, names: list[str], place: Place) -> dict[str, Wanted]:
        """One worker at most, none that waits; a coordinator gets no key, so that it mends nothing here."""
        owner = self.endpoints.settings.owner
        found = wanted_of(self.verifier.manifest, place, owner=owner, runtime_secret=self.runtime_secret)
        small = {name: _small(found[name]) for name in names}
        return {name: _without_key(each) if _mends(each) else each for name, each in small.items()}

    @staticmethod
    async def _make(inside: Endpoints, wanted: Wanted, build_id: str) -> None:
        def say(_: str) -> None:
            """What it makes is gone in a minute; a volume that it makes is the real one's."""

        name = f"{wanted.name[:NAME]}{_WORD}{secrets.token_hex(3)}"
        await inside.create(wanted, build_id, say, name=name)

    async def _remove(self, name: str, build_id: str) -> None:
        apps = Apps(self.link.http)
        try:
            environment = await apps.environment_by_name(self.app_id, name)
        except NotFoundError:
            return
        await announce(apps, build_id, environment.id, None)
        await remove_trial(self.link, self.endpoints, Place(self.endpoints.place.app, name, environment.id))


async def provide_key(
    link: Link, manifest: Manifest, secret: str, environment_id: str, *, repair_secret: str = ""
) -> None:
    """Let functions that call others read a key: on the embedded Runpod it is made, for the cloud the user makes it."""
    if needs_key(manifest):
        await ensure_runtime_secret(link, secret, environment_id=environment_id)
    if repair_secret:
        await ensure_runtime_secret(link, repair_secret, environment_id=environment_id, account="write")


def tried(plan: Plan) -> list[str]:
    """Return the resources of which something changes that a trial can tell.

    >>> from flash_jupyter.deploy.plan import Change, Step
    >>> scaled = Step(Action.UPDATE, "a", "e1", (Change("workers.max", 1, 3),))
    >>> tried(Plan((scaled, Step(Action.UPDATE, "b", "e2", (Change("code", "x", "y"),)))))
    ['b']
    """
    steps = plan.of(Action.CREATE, Action.UPDATE, Action.REPLACE)
    return [
        step.name
        for step in steps
        if step.action is not Action.UPDATE or any(change.field not in SCALING for change in step.changes)
    ]


async def remove_leftovers(link: Link, endpoints: Endpoints, app: App, locks: Path) -> list[str]:
    """Remove trials of this environment that a killed process left, and return their names.

    Who calls this holds the lock of this machine: none of its own can be running.
    """
    begin = f"{endpoints.place.environment}{_WORD}"
    left = [each for each in app.environments if each.name.startswith(begin)]
    if not left:
        return []
    listed, removed = await link.control.endpoints(), list[str]()
    for each in left:
        inside = [e for e in listed if e.env.get(ENVIRONMENT_ID) == each.id and TRIAL in e.env]
        is_ours = each.name.startswith(f"{begin}{mark_of(locks)}")
        now = link.http.server_now()
        made = read_time(each.created_at)
        is_old = made is not None and now - made > endpoints.trial_ttl  # a sweep may have taken its endpoints
        is_over = is_old and all(has_expired(e, now) for e in inside)
        if is_ours or is_over:
            await remove_trial(link, endpoints, Place(app.name, each.name, each.id))
            removed.append(each.name)
    return removed


async def remove_trial(link: Link, endpoints: Endpoints, place: Place) -> None:
    """Remove an environment that is a trial, with all that is in it; raises `ApiError` where an endpoint stays."""
    inside = replace(endpoints, place=place)
    await inside.remove(await inside.listed())
    try:
        await Apps(link.http).delete_environment(place.environment_id)
    except NotFoundError:
        return


def mark_of(locks: Path) -> str:
    """Return six characters that stand for this machine's folder of locks."""
    return hashlib.sha256(str(locks.resolve()).encode()).hexdigest()[:6]


def _deployed(endpoints: Mapping[str, Endpoint]) -> dict[str, Deployed]:
    return {name: Deployed(each.id, each.base_url) for name, each in endpoints.items()}


def _small(wanted: Wanted) -> Wanted:
    return replace(wanted, spec=replace(wanted.spec, workers_min=0, workers_max=1))


def _mends(wanted: Wanted) -> bool:
    return bool(wanted.resource.is_mothership)


def _without_key(wanted: Wanted) -> Wanted:
    return replace(wanted, env={name: value for name, value in wanted.env.items() if name != "RUNPOD_API_KEY"})
