"""The labels of deployed endpoints, in their environment variables, and what they say: one truth for whoever asks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

from flash_jupyter.deploy.together import together
from flash_jupyter.errors import NotFoundError
from flash_jupyter.resources.endpoint import RESERVED
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import Environment
from flash_jupyter.wire.control import Endpoint

#: as the released clients write them (flash-wire reference, 7.4)
APP, ENV, ENVIRONMENT_ID = "FLASH_APP", "FLASH_ENV", "FLASH_ENVIRONMENT_ID"
RESOURCE, ENDPOINT_TYPE, IS_MOTHERSHIP = "FLASH_RESOURCE_NAME", "FLASH_ENDPOINT_TYPE", "FLASH_IS_MOTHERSHIP"
#: ours: the build, the digest of the configuration, the deploy that made it
BUILD, CONFIG, RUN = f"{RESERVED}BUILD", f"{RESERVED}CONFIG", f"{RESERVED}RUN"
#: of a trial: whose endpoint it is, for who lists them
TRIAL = f"{RESERVED}TRIAL"


def endpoints_of(
    app: str, environment: Environment, endpoints: Iterable[Endpoint], others: Iterable[Environment] = ()
) -> tuple[Endpoint, ...]:
    """Return the endpoints of an environment, by name: those that the platform counts to it, and those labelled so.

    What has no label but names is not its own where the platform counts it to one of the `others`.

    >>> mine = {"FLASH_APP": "shop", "FLASH_ENV": "live"}
    >>> live = Environment(id="e1", name="live")
    >>> other = Endpoint(id="1", name="a", env={**mine, "FLASH_ENVIRONMENT_ID": "e0"})
    >>> [each.name for each in endpoints_of("shop", live, [other, Endpoint(id="2", name="b", env=mine)])]
    ['b']
    """
    counted = {each.id for each in environment.endpoints}
    taken = {each.id for other in others if other.id != environment.id for each in other.endpoints}
    mine = [
        each
        for each in endpoints
        if each.id in counted
        or (is_labelled(each.env, app, environment) and (ENVIRONMENT_ID in each.env or each.id not in taken))
    ]
    return tuple(sorted(mine, key=lambda each: (each.name, each.id)))


def is_labelled(env: Mapping[str, str], app: str, environment: Environment) -> bool:
    """Whether labels say that something belongs to an environment; released clients write its id only to some."""
    if ENVIRONMENT_ID in env:
        return env[ENVIRONMENT_ID] == environment.id
    return (env.get(APP), env.get(ENV)) == (app, environment.name)


def resource_of(endpoint: Endpoint) -> str:
    """Return which resource of the manifest an endpoint serves; one without the label has the resource's name."""
    return endpoint.env.get(RESOURCE) or endpoint.name


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
