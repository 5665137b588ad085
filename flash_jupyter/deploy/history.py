"""Which builds an environment has run, in their order: what a rollback goes back to.

The platform keeps which build an environment runs, and nothing of those before (flash-wire reference, 1.2). So the
manifest of each build has `served[ENVIRONMENT_ID] = {"before": [BUILD, ...], "stood": true}`: the builds that served
there before it was made active, the last first, and whether the deploy that made it active has come to its end; `once`:
an earlier one has; `unverified`: none of these verified anything, as with `--no-smoke`. Only what the present build
has as `before` counts, so a deploy that is taken back or overtaken leaves nothing to be believed.

Where the build that runs has no such entry (a released client sent it), builds that were sent before it count which
have one, or have a map of this environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flash_jupyter.deploy.together import together
from flash_jupyter.errors import DeployError, NotFoundError
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import App, Build, Environment

#: where it stands in a manifest
SERVED = "served"
#: so many builds are remembered
LONGEST = 50


@dataclass(frozen=True)
class Past:
    """What an environment ran before this build, the last first.

    `stood`: the deploy that made it active has come to its end; `once`: an earlier deploy of it there has;
    `unverified`: so they did, and verified nothing.
    """

    before: tuple[str, ...] = ()
    stood: bool = False
    once: bool = False
    unverified: bool = False

    def at_its_end(self, *, is_verified: bool) -> Past:
        """Return what is written when the deploy that made it active comes to its end.

        >>> sent = Past().at_its_end(is_verified=False)
        >>> sent.unverified, sent.at_its_end(is_verified=True).at_its_end(is_verified=False).unverified
        (True, False)
        """
        was_verified = (self.stood or self.once) and not self.unverified
        return replace(self, stood=True, unverified=not (is_verified or was_verified))


def read_past(manifest: Mapping[str, Any], environment_id: str) -> Past | None:
    """Return the past of an environment that runs this build; None where no deploy of ours has brought it there.

    >>> read_past({"served": {"live": {"before": ["b1"], "stood": True}}}, "live"), read_past({}, "live")
    (Past(before=('b1',), stood=True, once=False, unverified=False), None)
    """
    entry = (manifest.get(SERVED) or {}).get(environment_id)
    if entry is None:
        return None
    said = (bool(entry.get(name)) for name in ("stood", "once", "unverified"))
    return Past(tuple(entry.get("before") or ()), *said)


def with_past(manifest: Mapping[str, Any], environment_id: str, past: Past | None) -> dict[str, Any]:
    """Return the manifest with this past of an environment; None: with none."""
    others = {key: value for key, value in (manifest.get(SERVED) or {}).items() if key != environment_id}
    if past is not None:
        more = {name: True for name in ("once", "unverified") if getattr(past, name)}
        others[environment_id] = {"before": [*past.before], "stood": past.stood, **more}
    return {**manifest, SERVED: others} if others or SERVED in manifest else dict(manifest)


def has_stood(manifest: Mapping[str, Any], environment_id: str) -> bool:
    """Whether a deploy of this build has come to its end in an environment, as far as its manifest says.

    A version of ours that wrote no history left the map of the environment.

    >>> has_stood({"environments": {"live": {}}}, "live"), has_stood({"environments": {"live": {}}}, "other")
    (True, False)
    """
    past = read_past(manifest, environment_id)
    if past is None:
        return environment_id in (manifest.get("environments") or {})
    return past.stood or past.once


def before(build_id: str, active: str, past: Past, *, is_way_back: bool) -> tuple[str, ...]:
    """Return what has served before a build that takes the place of the active one, whose past this is.

    What never stood has not served. On the way back what comes after the build is left behind.

    >>> past = Past(("b2", "b1"), stood=True)
    >>> before("b4", "b3", past, is_way_back=False), before("b4", "b3", Past(("b2",)), is_way_back=False)
    (('b3', 'b2', 'b1'), ('b2',))
    >>> before("b2", "b3", past, is_way_back=True), before("b2", "b3", past, is_way_back=False)
    (('b1',), ('b3', 'b2', 'b1'))
    """
    served = (active, *past.before) if past.stood else past.before
    if is_way_back and build_id in served:
        return served[served.index(build_id) + 1 :]
    return served[:LONGEST]


async def past_of(apps: Apps, builds: Iterable[Build], active: str, environment_id: str) -> Past:
    """Return the past of an environment that runs a build of these; raises `ApiError`s.

    Where a deploy of ours has not brought it there, that are those that were sent before it and stood there.
    """
    if (past := read_past(await manifest_of(apps, active), environment_id)) is not None:
        return past
    sent = [each.id for each in sorted(builds, key=lambda each: each.created_at or "")]
    older = [*reversed(sent[: sent.index(active)] if active in sent else sent)][:LONGEST]
    manifests = await together(manifest_of(apps, each) for each in older)
    stood = [build for build, each in zip(older, manifests, strict=True) if has_stood(each, environment_id)]
    return Past(tuple(stood), stood=True)


async def manifest_of(apps: Apps, build_id: str) -> dict[str, Any]:
    """Return the manifest of a build, an empty one where the platform has none; raises `ApiError`s."""
    try:
        return await apps.manifest(build_id)
    except NotFoundError:
        return {}


async def builds_before(apps: Apps, found: App, stage: Environment) -> tuple[str, ...]:
    """Return the builds that served in an environment of an app before its own, the last first; raises `ApiError`s."""
    active = stage.active_build_id
    return (await past_of(apps, found.builds, active, stage.id)).before if active else ()


async def build_before(apps: Apps, found: App, stage: Environment) -> str:
    """Return the build that served in an environment of an app before its own; raises `DeployError`."""
    if served := await builds_before(apps, found, stage):
        return served[0]
    running = f"what {stage.name} of {found.name} ran before build {stage.active_build_id}"
    raise DeployError(
        f"there is no record of {running if stage.active_build_id else f'any build in {stage.name} of {found.name}'}",
        fix=f"name a build: flash deploy rollback {stage.name} BUILD (`flash app get {found.name}` lists them)",
    )


async def doubt(apps: Apps, build_id: str, stage: Environment) -> str:
    """Say why going back to a build may be going nowhere; empty where it stood in the environment."""
    manifest = await manifest_of(apps, build_id)
    if has_stood(manifest, stage.id):
        return ""
    if read_past(manifest, stage.id) is None:
        return f"there is no record that {stage.name} ever ran build {build_id}"
    return f"build {build_id} was not verified in {stage.name}: the deploy that brought it was cut off"


async def way_back(apps: Apps, build_id: str, stage: Environment) -> str:
    """Say to which build an environment goes back, and that it served there without anything of it being verified."""
    past = read_past(await manifest_of(apps, build_id), stage.id)
    return f"back to build {build_id}" + (
        f", which was never verified in {stage.name}" if past is not None and past.unverified else ""
    )
