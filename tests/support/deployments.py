"""A bundle put into an environment of an app on the embedded Runpod, as `flash deploy send` leaves it there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flash_jupyter.build.manifest import Manifest
from flash_jupyter.build.preview import endpoint_body
from flash_jupyter.build.standins import stand_in
from flash_jupyter.resources.endpoint import CREATED, INTERPRETER, OWNER
from flash_jupyter.session.links import Link, Links
from flash_jupyter.settings import Settings
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.loop import LoopThread
from flash_jupyter.transport.upload import upload_file

CPU_IMAGE = "runpod/flash-cpu:latest"


@contextmanager
def on_loop(settings: Settings) -> Iterator[tuple[LoopThread, Link]]:
    """Give a link to the embedded Runpod, and the loop on which it is used."""
    links, loop = Links(settings), LoopThread("deployments")
    try:
        yield loop, links.open("local")
    finally:
        loop.close(links.aclose)


def deploy(
    settings: Settings, archive: Path, manifest: Manifest, app: str, environment: str = "production", **env: str
) -> dict[str, str]:
    """Make the app where it is missing, and its endpoints anew; returns resource -> endpoint id.

    `env` are more variables of every endpoint.
    """
    resources = manifest.resources
    pythons = {name: str(stand_in(each.imageName or CPU_IMAGE, manifest.python_version, settings.cache))
               for name, each in resources.items()}  # fmt: skip
    with on_loop(settings) as (loop, link):
        return loop.call(_deploy(link, archive, manifest, (app, environment), pythons, env))


async def _deploy(
    link: Link,
    archive: Path,
    manifest: Manifest,
    names: tuple[str, str],
    pythons: dict[str, str],
    env: dict[str, str],
) -> dict[str, str]:
    apps, (app, environment) = Apps(link.http), names
    existing = next((each for each in await apps.apps() if each.name == app), None)
    app_id = existing.id if existing else (await apps.create_app(app)).id
    known = {each.name: each.id for each in await apps.environments(app_id)}
    environment_id = known.get(environment) or (await apps.create_environment(app_id, environment)).id
    place = await apps.prepare_upload(app_id, archive.stat().st_size)
    await upload_file(place.url, archive)
    document: dict[str, Any] = manifest.model_dump(mode="json")
    build = await apps.finalize_upload(app_id, place.object_key, document)
    await apps.deploy(environment_id, build.id)
    made: dict[str, str] = {}
    for name, resource in manifest.resources.items():
        labels = {
            "FLASH_APP": app,
            "FLASH_ENV": environment,
            "FLASH_ENVIRONMENT_ID": environment_id,
            "FLASH_RESOURCE_NAME": name,
            "FLASH_JUPYTER_BUILD": build.id,
            OWNER: "tester",
            CREATED: "2026-11-22T12:00:00Z",
            INTERPRETER: pythons[name],
            **({"FLASH_ENDPOINT_TYPE": "lb"} if resource.is_load_balanced else {}),
            **(resource.config.get("env") or {}),
            **env,
        }
        body = endpoint_body(name, resource, labels)
        saved = await apps.save_endpoint({**body, "flashEnvironmentId": environment_id})
        made[name] = saved.id
    named = {name: {"endpoint_id": each, "url": (await link.control.get(each)).base_url} for name, each in made.items()}
    await apps.update_manifest(build.id, {**document, "environments": {environment_id: named}})
    return made


def remove(settings: Settings, endpoint_id: str) -> None:
    """Delete one endpoint, as somebody does behind our back."""
    with on_loop(settings) as (loop, link):
        loop.call(asyncio.wait_for(link.control.delete(endpoint_id), 60))
