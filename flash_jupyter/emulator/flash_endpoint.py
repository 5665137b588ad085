"""The pseudo endpoint `flash`: a deployed endpoint is called by app, environment and name (flash-wire.md 3.4).

`POST /v2/flash/runsync` and its companions carry the three in headers. A request about a job needs none: its id does.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from flash_jupyter.emulator.apps import Apps
from flash_jupyter.emulator.jobs import BadRequest
from flash_jupyter.emulator.problems import Problem
from flash_jupyter.emulator.world import Endpoint, NoSuchEndpoint, NoSuchJob, World

FLASH_ID = "flash"
HEADERS = ("X-Flash-App", "X-Flash-Environment", "X-Flash-Endpoint")

#: (app, environment, endpoint) -> the endpoint, or None
Find = Callable[[str, str, str], Endpoint | None]


def flash_endpoint(world: World, find: Find, request: Request) -> Endpoint:
    """Return the endpoint that a request to `flash` means; raises `NoSuchEndpoint`, `NoSuchJob` or `BadRequest`."""
    given = [request.headers.get(name, "") for name in HEADERS]
    if all(given):
        endpoint = find(given[0], given[1], given[2])
        if endpoint is None:
            raise NoSuchEndpoint("/".join(given))
        return endpoint
    job_id = request.path_params.get("job_id")
    if job_id is None:
        missing = [name for name, value in zip(HEADERS, given, strict=True) if not value]
        raise BadRequest(f"a request to {FLASH_ID!r} needs the header {missing[0]}")
    job = world.jobs.get(job_id)
    if job is None:
        raise NoSuchJob(job_id)
    return world.endpoint(job.endpoint_id)


def find_flash_endpoint(apps: Apps, app: str, environment: str, endpoint: str) -> Endpoint | None:
    """Return the endpoint of a name in an environment of an app."""
    try:
        found = apps.environment_named(apps.app_named(app).id, environment)
    except Problem:
        return None
    wanted = plain_name(endpoint)
    return next((each for each in apps.endpoints(found) if plain_name(each.document["name"]) == wanted), None)


def plain_name(name: str) -> str:
    """Return a resource's name without what the released clients add to an endpoint's.

    >>> plain_name("live-ocr-fb"), plain_name("ocr")
    ('ocr', 'ocr')
    """
    return name.removeprefix("live-").removesuffix("-fb")
