"""Which builds an environment has run, in their order: what a rollback goes back to.

The platform keeps which build an environment runs, and nothing of those before (flash-wire reference, 1.2). So the
manifest of each build has `served[ENVIRONMENT_ID] = {"before": [BUILD, ...], "stood": true}`: the builds that served
there before it was made active, the last first, and whether a deploy of it has come to its end there. Only what the
build that runs now has as `before` counts, so a deploy that is taken back or overtaken leaves nothing to be believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flash_jupyter.errors import DeployError, NotFoundError
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import App, Environment

#: where it stands in a manifest
SERVED = "served"
#: so many builds are remembered
LONGEST = 50


@dataclass(frozen=True)
class Past:
    """What an environment ran before this build, the last first; `stood`: a deploy of it has come to its end there."""

    before: tuple[str, ...] = ()
    stood: bool = False


def read_past(manifest: Mapping[str, Any], environment_id: str) -> Past | None:
    """Return the past of an environment that runs this build; None where no deploy of ours has brought it there.

    >>> read_past({"served": {"live": {"before": ["b1"], "stood": True}}}, "live"), read_past({}, "live")
    (Past(before=('b1',), stood=True), None)
    """
    entry = (manifest.get(SERVED) or {}).get(environment_id)
    return None if entry is None else Past(tuple(entry.get("before") or ()), bool(entry.get("stood")))


def with_past(manifest: Mapping[str, Any], environment_id: str, past: Past | None) -> dict[str, Any]:
    """Return the manifest with this past of an environment; None: with none."""
    others = {key: value for key, value in (manifest.get(SERVED) or {}).items() if key != environment_id}
    if past is not None:
        others[environment_id] = {"before": [*past.before], "stood": past.stood}
    return {**manifest, SERVED: others} if others or SERVED in manifest else dict(manifest)


def before(build_id: str, active: str | None, past: Past | None, *, is_way_back: bool) -> tuple[str, ...]:
    """Return what has served before a build that takes the place of the active one, whose past this is.

    What never stood has not served. On the way back what comes after the build is left behind.

    >>> past = Past(("b2", "b1"), stood=True)
    >>> before("b4", "b3", past, is_way_back=False), before("b4", "b3", Past(("b2",)), is_way_back=False)
    (('b3', 'b2', 'b1'), ('b2',))
    >>> before("b2", "b3", past, is_way_back=True), before("b2", "b3", past, is_way_back=False)
    (('b1',), ('b3', 'b2', 'b1'))
    """
    if active is None:
        return ()
    past = past or Past(stood=True)  # a released client made it active
    served = (active, *past.before) if past.stood else past.before
    if is_way_back and build_id in served:
        return served[served.index(build_id) + 1 :]
    return served[:LONGEST]


async def past_of(apps: Apps, build_id: str, environment_id: str) -> Past | None:
    """Return the past of an environment that runs this build, or ran it; raises `ApiError`s."""
    try:
        return read_past(await apps.manifest(build_id), environment_id)
    except NotFoundError:
        return None


async def build_before(apps: Apps, found: App, stage: Environment) -> str:
    """Return the build that served in an environment of an app before its own; raises `DeployError`.

    Where a released client made its own active, that is the newest of the builds before it which stood there.
    """
    active = stage.active_build_id
    past = await past_of(apps, active, stage.id) if active else Past()
    if past is not None and past.before:
        return past.before[0]
    if past is None:
        builds = [build.id for build in sorted(found.builds, key=lambda build: build.created_at or "")]
        for build_id in reversed(builds[: builds.index(active)] if active in builds else []):
            if (known := await past_of(apps, build_id, stage.id)) and known.stood:
                return build_id
    raise DeployError(
        f"environment {stage.name} of {found.name} has run no build before {active or 'this'}",
        fix=f"name a build: flash deploy rollback {stage.name} BUILD (`flash app get {found.name}` lists them)",
    )


async def doubt(apps: Apps, build_id: str, stage: Environment) -> str:
    """Say why going back to a build may be going nowhere; empty where it stood in the environment."""
    past = await past_of(apps, build_id, stage.id)
    if past is None:
        return f"there is no record that {stage.name} ever ran build {build_id}"
    if not past.stood:
        return f"build {build_id} was not verified in {stage.name}: the deploy that brought it was cut off"
    return ""
