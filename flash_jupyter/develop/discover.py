"""The functions of a project as objects that can be called: its modules, imported where they are."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flash_jupyter
from flash_jupyter.build.manifest import Function
from flash_jupyter.build.project import Export, Project, group
from flash_jupyter.decorator.classes import RemoteClass
from flash_jupyter.decorator.declare import remote
from flash_jupyter.decorator.functions import RemoteFunction
from flash_jupyter.decorator.routes import RemoteRoute
from flash_jupyter.decorator.target import Target
from flash_jupyter.errors import BuildError, FlashError
from flash_jupyter.worker.decorated import RELEASED

Remote = RemoteFunction | RemoteClass | RemoteRoute


@dataclass(frozen=True)
class Served:
    """One function, class or route; `resource` is the name of what a build would deploy it to."""

    resource: str
    function: Function
    where: str
    remote: Remote

    @property
    def target(self) -> Target:
        """Where it runs."""
        return self.remote._target

    @property
    def bare(self) -> Any:
        """The function or class as the user wrote it."""
        return vars(self.remote)["__wrapped__"]  # of `update_wrapper`


def load(project: Project, scratch: Path) -> tuple[Served, ...]:
    """Import what a project serves; modules that are no files of it, as those of a notebook, are written to `scratch`.

    Raises `BuildError` with the traceback of a module that can't be imported.
    """
    _make_importable(project, scratch)
    return tuple(
        Served(each.name, export.function, export.where, _remote(export))
        for each in group(project.exports, project.name)
        for export in each.exports
    )


def _make_importable(project: Project, scratch: Path) -> None:
    for relative, content in project.files.items():
        there = project.root / relative
        if not (there.is_file() and there.read_bytes() == content):
            path = scratch / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    sys.path[:0] = [str(scratch), str(project.root)]
    sys.modules.setdefault(RELEASED, flash_jupyter)


def _remote(export: Export) -> Remote:
    """Return the object behind an export; the function of a handler cell is decorated here."""
    function = export.function
    module = import_module(function.module, export.where)
    found: Any = getattr(module, function.name, None)
    if isinstance(found, Remote):
        return found
    if found is None:
        raise BuildError(
            f"{export.where}: {function.name} is not there when {function.module} is imported",
            fix="define it at the top of the module, without a condition",
        )
    route: dict[str, Any] = {"method": function.http_method, "path": function.http_path} if function.http_path else {}
    untyped: Any = remote
    made: Remote = untyped(
        export.resource,
        dependencies=export.dependencies,
        system_dependencies=export.system_dependencies,
        **route,
    )(found)
    return made


def import_module(name: str, where: str) -> Any:
    """Import a module of the user's; raises `BuildError` with its own frames."""
    try:
        return importlib.import_module(name)
    except FlashError as error:
        raise BuildError(f"{where}: {error.message}", fix=error.fix) from error
    except (Exception, SystemExit) as error:
        lines = "".join(f"    {line}\n" for line in _frames(error))
        raise BuildError(
            f"{name} can't be imported ({where}):\n{lines}    {type(error).__name__}: {error}",
            fix="mend it, and save it",
        ) from error


def _frames(error: BaseException) -> Iterator[str]:
    """Where in the user's files it was raised, without the frames of the import itself."""
    ours = ("<frozen", str(Path(__file__).parents[1]), str(Path(importlib.__file__).parent))
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith(ours):
            yield f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line or ''}"
