"""Which deleted endpoints come back: a mothership that repairs makes them anew of what a deploy left in the map.

Whether it may repair, no label says: what makes the endpoints anew is left only where it may (`runtime/mothership.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from flash_jupyter.deploy.labels import APP, ENV, ENVIRONMENT_ID, IS_MOTHERSHIP, resource_of
from flash_jupyter.errors import FlashError
from flash_jupyter.runtime.state import Deployed, read_endpoints
from flash_jupyter.session.links import Link
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.control import Endpoint


async def said_of_return(link: Link, is_chosen: Callable[[Endpoint], bool]) -> str:
    """Say which of the chosen endpoints come back once they are deleted, and what ends that; empty where none does.

    Ask before the deletion. It only adds to what a deletion says, so what can't be looked at is passed over.
    """
    try:
        listed = await link.control.endpoints()
        chosen = [each for each in listed if is_chosen(each)]
        found = [
            _sentence(mothership, names)
            for mothership, threatened in _threatened(listed, chosen)
            if (names := coming_back(threatened, await _map(link, mothership)))
        ]
    except FlashError:
        return ""
    return "; ".join(found)


def _threatened(listed: Iterable[Endpoint], chosen: Collection[Endpoint]) -> list[tuple[Endpoint, list[Endpoint]]]:
    """Return motherships that stay, each with the chosen endpoints of its environment."""
    by_environment: defaultdict[str, list[Endpoint]] = defaultdict(list)
    for each in chosen:
        by_environment[each.env.get(ENVIRONMENT_ID, "")].append(each)
    gone = {each.id for each in chosen}
    return [
        (each, by_environment[each.env[ENVIRONMENT_ID]])
        for each in listed
        if each.env.get(IS_MOTHERSHIP) == "true"
        and each.id not in gone
        and each.env.get(ENVIRONMENT_ID)
        and each.env[ENVIRONMENT_ID] in by_environment
    ]


async def _map(link: Link, mothership: Endpoint) -> dict[str, Deployed]:
    """Return what the environment of a mothership has in its map, as it would read it."""
    apps, environment_id = Apps(link.http), mothership.env[ENVIRONMENT_ID]
    build_id = (await apps.environment(environment_id)).active_build_id
    return {} if build_id is None else read_endpoints(await apps.manifest(build_id), environment_id)


def coming_back(endpoints: Iterable[Endpoint], known: Mapping[str, Deployed]) -> list[str]:
    """Return the names of those that a map says how to make anew, in order. Pure.

    >>> coming_back([Endpoint(id="e1", name="ocr")], {"ocr": Deployed("e1", "u", {"name": "ocr"})})
    ['ocr']
    """
    return sorted(each.name for each in endpoints if (entry := known.get(resource_of(each))) and entry.remake)


def _sentence(mothership: Endpoint, names: list[str]) -> str:
    app, environment = mothership.env.get(APP, ""), mothership.env.get(ENV, "")
    come = "comes" if len(names) == 1 else "come"
    return (
        f"{', '.join(names)} {come} back when the next worker of the mothership of {app}/{environment} starts;"
        f" flash deploy delete {environment} --app-name {app} ends that"
    )
