"""A group as the manifest has it: everything that was said under `config`, beside it what published workers read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flash_jupyter.build.manifest import Resource
from flash_jupyter.build.mothership import mothership_fields
from flash_jupyter.build.project import Group, configuration
from flash_jupyter.build.shipped import handler_file
from flash_jupyter.build.variables import environment_variables
from flash_jupyter.capture.secrets import kind_of
from flash_jupyter.errors import BuildError
from flash_jupyter.resources import model
from flash_jupyter.resources.images import PUBLISHED_PYTHONS, Images, read_python, show_python
from flash_jupyter.resources.rules import SECRET
from flash_jupyter.resources.template import PodTemplate


def make_entry(
    group: Group, python: str, images: Images, files: Mapping[str, bytes], calls: tuple[str, ...] = ()
) -> Resource:
    """Return the manifest's entry of a group, for workers of this Python; `files` are the project's.

    `calls` are the resources that it calls.

    Raises `BuildError` where its environment holds a secret: a manifest is stored with the build.
    """
    refuse_secrets(group)
    resource = group.resource
    variables = [export.config_variable for export in group.exports if export.config_variable]
    published = {
        "config_variable": variables[0] if variables else None,
        "system_dependencies": sorted({name for export in group.exports for name in export.system_dependencies})
        or None,
        "environment_variables": environment_variables({each.function.module for each in group.exports}, files) or None,
        **_published(resource),
    }
    return Resource(
        resource_type=type(resource).__name__,
        functions=[export.function for export in group.exports],
        is_load_balanced=resource.is_load_balanced,
        handler_file=handler_file(group.name),
        imageName=image_of(resource, python, images),
        target_python_version=python,
        config=configuration(resource),
        calls=list(calls) or None,
        **{"makes_remote_calls": True if calls else None, **mothership_fields(group.main)},
        **{name: value for name, value in published.items() if value is not None},
    )


def _published(resource: model.Resource) -> dict[str, Any]:
    """What released clients write, in their words (flash-wire.md 6.2)."""
    return {
        "gpuIds": None if resource.cpus else ",".join(resource.gpus) or "any",
        "instanceIds": list(resource.cpus) or None,
        "workersMin": resource.workers_min,
        "workersMax": resource.workers_max,
        "idleTimeout": resource.idle_timeout,
        "scalerType": resource.scaler_type,
        "scalerValue": resource.scaler_value,
        "locations": ",".join(resource.places) or None,
    }


def image_of(resource: model.Resource, python: str, images: Images) -> str | None:
    """Return the image whose workers unpack the bundle; None where a stored template names it."""
    template = resource.template
    named = resource.image_name or (template.image_name if isinstance(template, PodTemplate) else "")
    if named or isinstance(template, str):
        return named or None
    return images.reference(
        cpu=bool(resource.cpus), load_balanced=resource.is_load_balanced, python=read_python(python)
    )


def choose_python(groups: tuple[Group, ...], wanted: str | None, here: tuple[int, int]) -> str:
    """Return the Python of the workers: what was asked for, else what a resource names, else this one.

    Raises `BuildError` for two, and for one that no image is published for.
    """
    named: dict[str, str] = {} if wanted is None else {wanted: "--python-version"}
    for group in groups:
        if group.resource.python_version:
            named.setdefault(group.resource.python_version, f"the resource {group.name}")
    if len(named) > 1:
        listed = ", ".join(f"{who} names {version}" for version, who in named.items())
        raise BuildError(f"a bundle is for one Python: {listed}", fix="name the same one everywhere")
    python, who = next(iter(named.items()), (show_python(here), "this Python"))
    if read_python(python) not in PUBLISHED_PYTHONS:
        first, last = show_python(PUBLISHED_PYTHONS[0]), show_python(PUBLISHED_PYTHONS[-1])
        raise BuildError(
            f"{who} is {python}, and no image is published for that; there are {first} to {last}"
            if not named
            else f"{who} names Python {python}, and no image is published for that; there are {first} to {last}",
            fix=f"build for another: --python-version {last}",
        )
    return python


def refuse_secrets(group: Group) -> None:
    """Raise `BuildError` for a variable of the endpoint that holds a secret; the platform's own are only names."""
    template = group.resource.template
    variables = {**(template.env if isinstance(template, PodTemplate) else {}), **group.resource.env}
    for name, value in variables.items():
        kind = None if SECRET.fullmatch(value.strip()) else kind_of(value, name)
        if kind is not None:
            raise BuildError(
                f"env= of {group.name}: {name} holds {kind}, which would be stored with the bundle",
                fix=f"store it as a secret of Runpod and write {{{{ RUNPOD_SECRET_{name.lower()} }}}}",
            )
