"""All resolvers of root fields, put together, and those of the login, which want no key (flash-wire.md 1.2)."""

from __future__ import annotations

from typing import Any

from flash_jupyter.emulator.apps import Apps
from flash_jupyter.emulator.artifacts import Artifacts
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.graphql import Arguments, Resolver
from flash_jupyter.emulator.graphql.app_operations import AppOperations
from flash_jupyter.emulator.graphql.endpoint_operations import EndpointOperations, TemplateOperations, user
from flash_jupyter.emulator.graphql.hardware_operations import HardwareOperations
from flash_jupyter.emulator.logins import Logins, show_login
from flash_jupyter.emulator.templates import Templates
from flash_jupyter.emulator.volumes import Volumes
from flash_jupyter.emulator.world import World


def all_resolvers(
    world: World,
    endpoints: Endpoints,
    templates: Templates,
    volumes: Volumes,
    apps: Apps,
    artifacts: Artifacts,
    logins: Logins,
) -> dict[str, Resolver]:
    """Return the resolver of each root field."""
    of_templates = TemplateOperations(world, endpoints, templates)
    of_endpoints = EndpointOperations(world, endpoints, of_templates, volumes, apps)
    of_apps = AppOperations(apps, artifacts, volumes, of_endpoints, world.clock)
    return {
        "myself": user(of_endpoints, of_apps.all),
        **of_endpoints.resolvers(),
        **of_templates.resolvers(),
        **HardwareOperations(world.faults).resolvers(),
        **of_apps.resolvers(),
        **_login_resolvers(logins),
    }


def _login_resolvers(logins: Logins) -> dict[str, Resolver]:
    def status(arguments: Arguments) -> dict[str, Any]:
        """`flashAuthRequestStatus` - with the key the first time after the approval."""
        login, key = logins.collect(arguments["flashAuthRequestId"])
        return {**show_login(login), "apiKey": key}

    return {"createFlashAuthRequest": lambda _: show_login(logins.create()), "flashAuthRequestStatus": status}
