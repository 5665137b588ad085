"""The manifests of builds on the server: read, prepared for the environment that will run one, and what is kept there.

While a build runs, only the State Manager writes its map (`runtime/state.py`). Before it does, nobody looks there: the
map is set first, so that no caller finds an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from flash_jupyter.build.manifest import Manifest
from flash_jupyter.build.recorded import Recording
from flash_jupyter.deploy.history import SERVED, Past, before, has_stood, manifest_of, past_of, read_past, with_past
from flash_jupyter.deploy.replay import varying_of
from flash_jupyter.deploy.site import Site
from flash_jupyter.deploy.undo import Journal, Turn
from flash_jupyter.errors import ApiError, DeployError, ManifestError, NotFoundError
from flash_jupyter.runtime.state import SETTLE_S, WRITES, Deployed, changed
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Clock
from flash_jupyter.wire.apps import App, Environment

#: what functions were asked when the build was verified, and what they answered (`build/recorded.py`)
RECORDED = "recorded"
#: of an app's builds, in an error
SHOWN_BUILDS = 5
#: what the server's copy has beyond the build's own
RUNTIME = ("environments", "resources_endpoints", RECORDED, SERVED)


async def read_build(apps: Apps, build_id: str) -> Manifest:
    """Return the manifest of a build as it was built; raises `ManifestError` for one that is not ours to read."""
    found = {name: value for name, value in (await apps.manifest(build_id)).items() if name not in RUNTIME}
    try:
        return Manifest.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ManifestError(
            f"the manifest of build {build_id} can't be read: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            fix="build it again and send it: flash deploy send",
        ) from None


async def recorded_of(apps: Apps, build_id: str) -> Recording:
    """Return what is kept of the functions of a build; of none, where it was never verified."""
    found = (await apps.manifest(build_id)).get(RECORDED)
    return found if isinstance(found, dict) else {}


async def known_to_vary(apps: Apps, build_id: str | None) -> list[str]:
    """Return the functions of a build that are known to answer the same request in different ways.

    It only spares a question, so what can't be read is passed over.
    """
    try:
        return varying_of(await recorded_of(apps, build_id)) if build_id else []
    except ApiError:
        return []


async def stand(
    apps: Apps, build_id: str, environment_id: str, past: Past | None, clock: Clock, *, is_verified: bool
) -> None:
    """Write down that a build stands in an environment, with what ran there before; None: with what is written there.

    Raises `ApiError`s, and `DeployError` where others overwrite it each time. The manifest is replaced as a whole: as
    the State Manager does, it looks again after a moment whether a write that began with an older reading took ours
    away.
    """
    for _ in range(WRITES):
        manifest = await apps.manifest(build_id)
        known = past or read_past(manifest, environment_id)
        if known is None:
            return
        after = with_past(manifest, environment_id, known.at_its_end(is_verified=is_verified))
        if after == manifest:
            return
        await apps.update_manifest(build_id, after)
        await clock.sleep(SETTLE_S)
        now = read_past(await apps.manifest(build_id), environment_id)
        if now is not None and now.stood:
            return
        await clock.sleep(SETTLE_S * clock.random())
    raise DeployError(f"it was overwritten {WRITES} times by others", fix="send the build again when they are done")


async def keep(apps: Apps, build_id: str, recording: Recording, clock: Clock) -> None:
    """Keep this with a build, beside what is kept of other functions; raises `ApiError`s.

    It looks again after a moment, as `stand` does. What another has written here since then stays.
    """
    left = dict(recording)
    for _ in range(WRITES):
        manifest = await apps.manifest(build_id)
        before: Recording = manifest.get(RECORDED) or {}
        after = {**before, **left}
        if after == before:
            return
        await apps.update_manifest(build_id, {**manifest, RECORDED: after})
        await clock.sleep(SETTLE_S)
        now = await recorded_of(apps, build_id)
        left = {name: entry for name, entry in left.items() if now.get(name) == before.get(name) != entry}
        if not left:
            return
        await clock.sleep(SETTLE_S * clock.random())


async def is_build_of(apps: Apps, build_id: str | None, manifest: Manifest) -> bool:
    """Whether this build is of this manifest, so that nothing has to be uploaded."""
    if build_id is None:
        return False
    try:
        return await read_build(apps, build_id) == manifest
    except (ManifestError, NotFoundError):
        return False


async def announce(
    apps: Apps,
    build_id: str,
    environment_id: str,
    endpoints: Mapping[str, Deployed] | None,
    past: Past | None = None,
) -> None:
    """Set the map and the past of an environment that does not run this build yet; None: take them away.

    What the build's last time there has left in the map goes: a mothership would make anew what this deploy makes.
    """
    manifest = dict(await apps.manifest(build_id))
    others = {key: value for key, value in (manifest.get("environments") or {}).items() if key != environment_id}
    manifest["environments"] = others if endpoints is None else {**others, environment_id: {}}
    for name, deployed in (endpoints or {}).items():
        manifest = changed(manifest, environment_id, name, deployed)
    await apps.update_manifest(build_id, with_past(manifest, environment_id, past))


async def activate(
    apps: Apps,
    build_id: str,
    site: Site,
    endpoints: Mapping[str, Deployed],
    journal: Journal,
    *,
    is_way_back: bool = False,
) -> Past:
    """Make a build the one that an environment runs, with its map set before; the journal knows how it is taken back.

    Returns what `stand` has to write; until then it is none to go back to. Raises `DeployError` where the environment
    runs another build by now than when this deploy looked, and `ApiError`s.
    """
    environment = site.environment
    old, now = environment.active_build_id, await runs(apps, environment.id)
    if now != old and not await _are_the_same(apps, now, build_id):
        raise DeployError(
            f"another deploy was quicker: {environment.name} of {site.app.name} runs "
            f"{f'build {now}' if now else 'no build'} now",
            fix="look at what it runs (flash deploy info), then do the same again",
        )
    old = now
    last = await past_of(apps, site.app.builds, old, environment.id) if old is not None else None
    if last is not None and build_id == old:
        return last
    manifest = await manifest_of(apps, build_id)
    known, once = read_past(manifest, environment.id), has_stood(manifest, environment.id)
    if old is not None and known is None and not once:
        journal.add(
            Turn.RECORD,
            f"build {build_id} is none that {environment.name} has run",
            lambda: announce(apps, build_id, environment.id, None),
        )
    served = before(build_id, old, last, is_way_back=is_way_back) if old is not None and last is not None else ()
    past = Past(served, once=once, unverified=known is not None and known.unverified)
    await announce(apps, build_id, environment.id, endpoints, past)
    if old is not None:
        journal.add(Turn.BUILD, f"build {old} is active again", lambda: _give_back(apps, build_id, old, environment))
    await apps.deploy(environment.id, build_id)
    return past


async def _are_the_same(apps: Apps, one: str | None, other: str) -> bool:
    """Whether two builds are of the same bundle: two machines may send it at the same moment."""
    found = [await manifest_of(apps, each) for each in (one, other) if each is not None]
    built = [{name: value for name, value in each.items() if name not in RUNTIME} for each in found]
    return len(built) == 2 and built[0] == built[1] != {}


async def _give_back(apps: Apps, build_id: str, old: str, environment: Environment) -> None:
    """Make the build of before active again, unless another deploy has made its own active meanwhile."""
    now = await runs(apps, environment.id)
    if now == build_id:
        await apps.deploy(environment.id, old)
    elif now != old:
        raise DeployError(f"another deploy was quicker: {environment.name} runs build {now} now")


async def forget_remakes(apps: Apps, build_id: str, environment_id: str, *, clock: Clock) -> None:
    """Take what makes endpoints anew out of the map of an environment that does not run this build any more.

    Nobody reads it there, and it holds variables. Other environments may run the build, and write their own maps: what
    this writing takes from them, they write again (`runtime/state.py`), and it looks itself whether its own has held.
    """
    for _ in range(WRITES):
        if await runs(apps, environment_id) == build_id:
            return
        manifest = await apps.manifest(build_id)
        known = (manifest.get("environments") or {}).get(environment_id) or {}
        if not any("remake" in entry for entry in known.values()):
            return
        kept = {name: {key: value for key, value in each.items() if key != "remake"} for name, each in known.items()}
        environments = {**manifest["environments"], environment_id: kept}
        await apps.update_manifest(build_id, {**manifest, "environments": environments})
        await clock.sleep(SETTLE_S)


async def runs(apps: Apps, environment_id: str) -> str | None:
    """Return the build that an environment runs; None for one that is gone."""
    try:
        return (await apps.environment(environment_id)).active_build_id
    except NotFoundError:
        return None


def check_build(app: App, build_id: str) -> None:
    """Raise `DeployError` for a build that the app does not have."""
    newest = [build.id for build in sorted(app.builds, key=lambda each: each.created_at or "", reverse=True)]
    if build_id in newest:
        return
    shown = ", ".join(newest[:SHOWN_BUILDS])
    if not newest:
        fix = f"the app has none: send one (flash deploy send ENV --app-name {app.name})"
    elif len(newest) > SHOWN_BUILDS:
        fix = f"`flash app get {app.name}` lists all {len(newest)}; the newest are {shown}"
    else:
        fix = f"choose one of: {shown}"
    raise DeployError(f"app {app.name} has no build {build_id}", fix=fix)
