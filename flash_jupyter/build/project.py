"""What a build is of: the functions that will be served, what each asks of the platform, and the files they need.

Exports with the same configuration share an endpoint, which makes them a group.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flash_jupyter.build.cells import Cell
from flash_jupyter.build.manifest import Function
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.hardware import ANY
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.naming import slug

#: begins a line that asks for nothing, and says which versions may be taken
CONSTRAINT = "--constraint "


@dataclass(frozen=True)
class Wanted:
    """A line of pip's requirements, and the place that asks for it: "requirements.txt, line 3", "deps= of cell 2".

    A line that begins with `-` is an option of pip's which names an index, or a `CONSTRAINT` with a requirement.
    """

    text: str
    where: str


@dataclass(frozen=True)
class Export:
    """One function, class or handler cell.

    `resource` is described as the user wrote it; its name may be None, grouping gives it one. `dependencies` are pip
    requirements, `system_dependencies` names of Debian packages. `where` names the place in messages: "cell 3 of
    scores.ipynb", "workers/gpu.py, line 12".
    """

    function: Function
    resource: Resource
    where: str
    dependencies: tuple[str, ...] = ()
    system_dependencies: tuple[str, ...] = ()
    config_variable: str | None = None


@dataclass(frozen=True)
class Project:
    """Everything that is read of a notebook or a folder; nothing of it was run.

    `files` are what the bundle holds of it, POSIX path from its root -> content: the modules of a project, the sliced
    modules of notebooks and the local modules that these import. `imports` are the top-level modules which the files
    import and do not bring. `requirements` are what the project's files ask for (`requirement_files.py`
    reads them). `tests` are the `flash:test` cells by the name of their notebook. `unread_paths` are statements that
    add to `sys.path` what only running them would tell. `notes` are for who builds it.
    """

    name: str
    root: Path
    exports: tuple[Export, ...]
    files: Mapping[str, bytes] = field(repr=False)
    imports: frozenset[str] = frozenset()
    requirements: tuple[Wanted, ...] = ()
    tests: Mapping[str, tuple[Cell, ...]] = field(default_factory=dict)
    unread_paths: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


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


def sources_fingerprint(project: Project) -> str:
    """Return the SHA-256 of what a build reads of a project: its files, its requirements, what its endpoints ask for.

    Unlike the fingerprint of a bundle it needs no package index, and has nothing of this package's version.
    """
    groups = group(project.exports, project.name)
    asked = {
        "requirements": [wanted.text for wanted in project.requirements],
        "resources": {each.name: each.resource.model_dump(mode="json") for each in groups},
        "functions": [
            {
                **each.function.model_dump(mode="json"),
                "packages": [*each.dependencies, *each.system_dependencies],
            }
            for each in project.exports
        ],
    }
    return fingerprint({**project.files, "": json.dumps(asked, sort_keys=True).encode()})


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of POSIX paths and contents, sorted by path, each after its length in 8 bytes, big-endian.

    >>> fingerprint({"b.py": b"2", "a.py": b"1"}) == fingerprint({"a.py": b"1", "b.py": b"2"})
    True
    >>> fingerprint({"a": b"bc"}) == fingerprint({"ab": b"c"})
    False
    """
    total = hashlib.sha256()
    for path in sorted(files):
        for piece in (path.encode(), files[path]):
            total.update(len(piece).to_bytes(8, "big"))
            total.update(piece)
    return total.hexdigest()
