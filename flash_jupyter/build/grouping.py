"""Which exports share an endpoint: those with the same configuration; and the names of those that have none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flash_jupyter.build.project import Export
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.hardware import ANY
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.naming import slug


@dataclass(frozen=True)
class Group:
    """An endpoint to be, and what it serves; `resource` has the name now.

    `main` is of a mothership: where its own app is, `module:variable`, or empty. Others have None.
    """

    name: str
    resource: Resource
    exports: tuple[Export, ...]
    main: str | None = None


def group(exports: Iterable[Export], project: str) -> tuple[Group, ...]:
    """Return one group a configuration, in the order of their first exports.

    Raises `BuildError` for two configurations of one name.
    """
    together: dict[str, list[Export]] = {}
    for export in exports:
        together.setdefault(_identity(export.resource), []).append(export)
    taken: dict[str, Export] = {}
    for members in together.values():
        name = members[0].resource.name
        if name is not None and name in taken:
            raise _different(name, taken[name], members[0])
        if name is not None:
            taken[name] = members[0]
    groups = []
    for identity, members in together.items():
        resource = members[0].resource
        name = resource.name or _default_name(resource, project, identity, taken)
        taken.setdefault(name, members[0])
        groups.append(Group(name, resource.model_copy(update={"name": name}), tuple(members)))
    return tuple(groups)


def configuration(resource: Resource) -> dict[str, Any]:
    """Return what the user said, under the published names; all of it, `env` too."""
    return resource.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _identity(resource: Resource) -> str:
    """A text that is equal for equal configurations: what the fields hold, said or not."""
    fields = resource.model_dump(mode="json", by_alias=True)
    return json.dumps([type(resource).__name__, fields], sort_keys=True)


def _default_name(resource: Resource, project: str, identity: str, taken: dict[str, Export]) -> str:
    """Name it after project and hardware, as `%%remote` names endpoints; two such differ in a digest of the second."""
    hardware = slug("-".join(resource.cpus or resource.gpus or (ANY,)))
    name = f"{slug(project) or 'flash'}-{hardware}"[:80].strip("-")
    return name if name not in taken else f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:6]}"


def _different(name: str, first: Export, second: Export) -> BuildError:
    """Say where the two are, and in what they differ."""
    one, other = (export.resource.model_dump(mode="json", by_alias=True) for export in (first, second))
    kinds = [type(export.resource).__name__ for export in (first, second)]
    words = [] if kinds[0] == kinds[1] else [f"one is a {kinds[0]}, one a {kinds[1]}"]
    words += [f"{key}=" for key in one if key in other and one[key] != other[key]]
    return BuildError(
        f"two resources are called {name}: {first.where} and {second.where}; they differ in {', '.join(words)}",
        fix="describe both the same way, or give one another name=",
    )
