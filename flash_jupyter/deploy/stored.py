"""Stored templates (`template="id"`): an endpoint of an environment gets their settings as its own.

`saveEndpoint` with `flashEnvironmentId` takes an inline template, and labels have to stand in its variables; so what is
stored is read, and compared with every deploy: a template that was changed is an update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from flash_jupyter.deploy.wanted import Wanted
from flash_jupyter.errors import DeployError, NotFoundError
from flash_jupyter.resources.endpoint import RESERVED
from flash_jupyter.transport.storage import Templates
from flash_jupyter.wire.control import Template


async def with_stored_templates(wanted: Mapping[str, Wanted], templates: Templates) -> dict[str, Wanted]:
    """Return what is wanted with the settings of the templates that it names; what a resource says itself goes before.

    Raises `DeployError` for a template that the account does not have, and `ApiError`s.
    """
    return {name: await _with_template(each, templates) for name, each in wanted.items()}


async def _with_template(wanted: Wanted, templates: Templates) -> Wanted:
    template_id = wanted.spec.template_id
    if template_id is None:
        return wanted
    try:
        template = await templates.get(template_id)
    except NotFoundError:
        raise DeployError(
            f"resource {wanted.name} has the stored template {template_id}, which the account does not have",
            fix="write the id of one that it has, or template=PodTemplate(imageName=..., ...), and build again",
        ) from None
    stored = {name: value for name, value in template.env.items() if not name.startswith(RESERVED)}
    spec = replace(
        wanted.spec,
        template_id=None,
        image=_image(wanted, template),
        container=_container(template),
        env={**stored, **wanted.spec.env},
    )
    return replace(wanted, spec=spec, env={**stored, **wanted.env})


def _image(wanted: Wanted, template: Template) -> str | None:
    """The template's, unless the resource names one: a live class without one has the published image."""
    if "image" in wanted.spec.said:
        return wanted.spec.image
    return template.image or wanted.spec.image


def _container(template: Template) -> dict[str, object]:
    """What it says, as fields of REST v2's `ContainerConfig`."""
    fields = {
        "disk": template.disk,
        "args": template.args,
        "ports": list(template.ports),
        "registry": template.registry,
    }
    return {name: value for name, value in fields.items() if value}
