"""All resolvers of root fields, put together."""

from __future__ import annotations

from flash_jupyter.emulator.apps import Apps
from flash_jupyter.emulator.artifacts import Artifacts
from flash_jupyter.emulator.endpoints import Endpoints
from flash_jupyter.emulator.graphql.app_operations import AppOperations
from flash_jupyter.emulator.graphql.endpoint_operations import EndpointOperations, user
from flash_jupyter.emulator.graphql.fields import Resolver
from flash_jupyter.emulator.graphql.hardware_operations import HardwareOperations
from flash_jupyter.emulator.graphql.login_operations import LoginOperations
from flash_jupyter.emulator.graphql.template_operations import TemplateOperations
from flash_jupyter.emulator.logins import Logins
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
        **LoginOperations(logins).resolvers(),
    }
