"""Which builds an environment ran. Every build that it runs has its map of endpoints, so the server knows."""

from __future__ import annotations

from flash_jupyter.deploy.records import has_run_in
from flash_jupyter.errors import DeployError
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import App


def check_build(app: App, build_id: str) -> None:
    """Raise `DeployError` for a build that the app does not have."""
    known = [build.id for build in app.builds]
    if build_id not in known:
        listed = ", ".join(known) or "there are none"
        raise DeployError(f"app {app.name} has no build {build_id}", fix=f"choose one of: {listed}")


async def build_before(apps: Apps, app: str, environment: str) -> str:
    """Return the newest build that the environment ran before the one that it runs; raises `DeployError`."""
    found = await apps.app(app)
    stage = await apps.environment_by_name(found.id, environment)
    active = stage.active_build_id
    builds = [build.id for build in sorted(found.builds, key=lambda build: build.created_at or "")]
    older = builds[: builds.index(active)] if active in builds else []
    for build_id in reversed(older):
        if await has_run_in(apps, build_id, stage.id):
            return build_id
    raise DeployError(
        f"environment {environment} of {app} has run no build before {active or 'this'}",
        fix="name a build: flash deploy rollback ENV BUILD",
    )
