"""What a build is of: the functions that will be served, what each asks of the platform, and the files they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flash_jupyter.build.cells import Cell
from flash_jupyter.build.manifest import Function
from flash_jupyter.resources.model import Resource

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
