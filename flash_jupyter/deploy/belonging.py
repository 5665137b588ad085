"""Which of the listed endpoints are an environment's own, where only names say so: what the platform counts decides."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from flash_jupyter.deploy.labels import ENVIRONMENT_ID, endpoints_of
from flash_jupyter.deploy.together import together
from flash_jupyter.errors import NotFoundError
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import Environment
from flash_jupyter.wire.control import Endpoint


async def own_endpoints(
    apps: Apps, app: str, environment: Environment, endpoints: Iterable[Endpoint]
) -> tuple[Endpoint, ...]:
    """Return the endpoints of an environment, by name; raises `ApiError`s.

    The other environments are asked only where an endpoint has no label but names, and this one does not count it.
    """
    counted = {each.id for each in environment.endpoints}
    mine = endpoints_of(app, environment, endpoints)
    if all(each.id in counted or ENVIRONMENT_ID in each.env for each in mine):
        return mine
    ids = {each.id for found in await apps.apps() for each in found.environments} - {environment.id}
    others = await together(_environment(apps, each) for each in sorted(ids))
    return endpoints_of(app, environment, mine, filter(None, others))


async def _environment(apps: Apps, environment_id: str) -> Environment | None:
    with contextlib.suppress(NotFoundError):  # somebody has removed it meanwhile
        return await apps.environment(environment_id)
    return None
