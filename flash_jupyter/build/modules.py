"""The modules of a project by their dotted names, found as Python finds them; nothing is imported."""

from __future__ import annotations

import ast
import contextlib
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from importlib.util import decode_source
from pathlib import Path
from typing import NamedTuple

from flash_jupyter.build.folder import Ignore
from flash_jupyter.build.outside import Added, Editable, Outside, added_paths
from flash_jupyter.build.text import Text, read_text
from flash_jupyter.capture.modules import INSTALLED, Imported, imports_of
from flash_jupyter.errors import BuildError
from flash_jupyter.settings import project_root

#: brought by every bundle
OURS = frozenset({"flash_jupyter"})


class Module(NamedTuple):
    """A file, and the name under which it is imported from the folder where names are looked for."""

    name: str
    path: Path

    @property
    def place(self) -> str:
        """Where the bundle has it."""
        base = self.name.replace(".", "/")
        return f"{base}/__init__.py" if self.path.name == "__init__.py" else f"{base}.py"

    @property
    def package(self) -> str:
        """The package that its relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @property
    def folder(self) -> Path:
        """The folder where its name is looked for."""
        return self.path.parents[self.place.count("/")]


class Modules:
    """The modules of the project `root`: names are looked for in `first`, in the root, and in its `src`.

    Then in what the sources add to `sys.path`, which may come first, and in the editable installs of this Python.
    """

    def __init__(self, root: Path, ignore: Ignore, *first: Path) -> None:
        self._root, self._source, self._ignore = root, root / "src", ignore
        has_source = self._source.is_dir() and not (self._source / "__init__.py").exists()
        self._folders = tuple(dict.fromkeys([*first, root, *([self._source] if has_source else [])]))
        self._imports: dict[Module, tuple[Imported, ...]] = {}
        self._texts: dict[str, Text | None] = {}
        self._editable, self._outside = Editable(), Outside()
        #: what is added to `sys.path` and can't be read, each with its place
        self.unread: list[str] = []

    def label(self, path: Path) -> str:
        """How messages call a file: its path from the root."""
        return Path(os.path.relpath(path, self._root)).as_posix()

    def add_paths(self, added: Iterable[Added], where: str) -> None:
        """Look in these folders too, from now on; what is installed in one is a package all the same."""
        for folder, text, is_first in added:
            if folder is None:
                self.unread.append(f"`{text}` of {where}")
            elif folder.is_dir() and folder not in self._folders and INSTALLED.isdisjoint(folder.parts):
                self._folders = (folder, *self._folders) if is_first else (*self._folders, folder)

    def add_paths_of(self, path: Path) -> None:
        """Look in the folders too that a file adds to `sys.path`; one that is no Python adds none."""
        content = path.read_bytes()
        if b"sys.path" in content or b"addsitedir" in content:
            with contextlib.suppress(BuildError):  # told where it is read
                self.add_paths(added_paths(parse(path, "").body, self._root, path), self.label(path))

    def place(self, path: Path) -> str:
        """Return where the bundle has a file: at its path from the root, or from `src`."""
        folder = self._source if path.is_relative_to(self._source) and self._source in self._folders else self._root
        return path.relative_to(folder).as_posix()

    def named(self, path: Path) -> Module:
        """Return a file with the name under which it is imported.

        `workers/gpu.py` is `workers.gpu`, `pkg/__init__.py` is `pkg`.
        """
        parts = Path(self.place(path)).with_suffix("").parts
        return Module(".".join(parts[:-1] if path.name == "__init__.py" else parts), path)

    def find(self, name: str) -> Module | None:
        """Return the file of a dotted name; None where none of the folders has one."""
        parts = name.split(".")
        if not all(part.isidentifier() for part in parts):
            return None
        for folder in self._folders:
            for path in (folder.joinpath(*parts, "__init__.py"), folder.joinpath(*parts).with_suffix(".py")):
                if path.is_file():
                    return Module(name, path)
        path_here = self._editable.find(parts) if parts[0] not in OURS else None
        return Module(name, path_here) if path_here else None

    def text(self, name: str) -> Text | None:
        """Return the text of a module, None for one that the project has not."""
        if name not in self._texts:
            found = self.find(name)
            self._texts[name] = self.read(found) if found else None
        return self._texts[name]

    def read(self, module: Module) -> Text:
        """Return a module's text; raises `BuildError` for a syntax error."""
        tree = parse(module.path, self.label(module.path))
        return read_text(self.label(module.path), tree, module=module.name, package=module.package)

    def closure(self, imported: Iterable[Imported]) -> list[Module]:
        """Return the modules that these imports mean, and all that they import in turn, each once.

        Raises `BuildError` for what stays out of the bundle.
        """
        found: dict[str, Module] = {}
        waiting = list(imported)
        while waiting:
            for module in self._with_packages(waiting.pop().module):
                if module.name not in found and self._kept_away(module) is None:
                    found[module.name] = module
                    waiting += self.imports(module)
        return list(found.values())

    def _with_packages(self, name: str) -> Iterator[Module]:
        """A module runs the `__init__.py` of each package that it is in."""
        parts = name.split(".")
        for length in range(1, len(parts) + 1):
            if found := self.find(".".join(parts[:length])):
                yield found

    def imports(self, module: Module) -> tuple[Imported, ...]:
        """Return what a module imports; raises `BuildError` for what stays out of the bundle."""
        if module in self._imports:
            return self._imports[module]
        label = self.label(module.path)
        parse(module.path, label)  # says what is wrong
        self.add_paths_of(module.path)
        imported = imports_of(decode_source(module.path.read_bytes()), module.package)
        self.refuse_excluded(imported, label)
        self._refuse_beside(imported, module, label)
        self._imports[module] = imported
        return imported

    def refuse_excluded(self, imported: Iterable[Imported], label: str) -> None:
        """Raise `BuildError` for an import of a file that stays out of the bundle."""
        for name, is_optional in imported:
            for found in self._with_packages(name):
                kept = None if is_optional else self._kept_away(found)
                if kept is None:
                    continue
                path = self.label(found.path)
                why = f"{kept[0] or 'a rule of every build'} keeps {path} out of the bundle"
                raise BuildError(
                    f"{label} imports {found.name}, and {why}",
                    fix=kept[1] if kept[0] else f"move {path} to another place",
                )

    def _kept_away(self, module: Module) -> tuple[str, str] | None:
        """Return the rule that keeps a module away and what to do; an empty rule is one of every build."""
        path = self.label(module.path)
        if self._ignore.excludes(path):
            return self._ignore.rule(path), f"write !{path} into .flashignore"
        if module.path.is_relative_to(self._root):
            return None
        found = self._outside.excluding(module.path, module.folder)
        if found is None:
            return None
        folder, name, rule = found
        where = self.label(folder)
        return rule and f"{rule} in {where}", f"write !{name} into {where}/.flashignore"

    def _refuse_beside(self, imported: Iterable[Imported], module: Module, label: str) -> None:
        """A script finds modules beside itself, a module of a package does not: names are looked for from the root."""
        folder = module.path.parent
        for name in sorted(self.foreign(imported)):
            beside = next((p for p in (folder / f"{name}.py", folder / name / "__init__.py") if p.is_file()), None)
            if folder != self._root and beside is not None:
                raise BuildError(
                    f"{label} imports {name}, which is {self.label(beside)}: "
                    f"in the bundle its name is {module.package}.{name}",
                    fix=f"write `from {module.package} import {name}`",
                )

    def foreign(self, imported: Iterable[Imported]) -> frozenset[str]:
        """Return the top-level modules among these that neither Python nor the project nor every bundle brings."""
        imported = tuple(imported)
        tops = {name.partition(".")[0] for name, is_optional in imported if not is_optional}
        brought = {name.partition(".")[0] for name, _ in imported if "." in name and self.find(name)}
        return frozenset(
            top for top in tops - brought - OURS if top not in sys.stdlib_module_names and not self._has(top)
        )

    def _has(self, top: str) -> bool:
        return self.find(top) is not None or any(
            next((folder / top).glob("**/*.py"), None) is not None for folder in self._folders
        )


def above(root: Path, name: str) -> tuple[Path, Path] | None:
    """Return the file of a top-level module above `root` and the folder of the project, where both have one."""
    project = project_root(root.parent)
    if project is None:
        return None
    for folder in root.parents:
        places = (folder / f"{name}.py", folder / name / "__init__.py", folder / "src" / name / "__init__.py")
        if found := next((path for path in places if path.is_file()), None):
            return found, project
        if folder == project:
            break
    return None


def parse(path: Path, label: str) -> ast.Module:
    """Parse a file; raises `BuildError` that shows the line of a syntax error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes(), filename=str(path))
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        text = f"\n    {error.text.strip()}" if error.text else ""
        raise BuildError(f"{label}{line}: {error.msg}{text}", fix="mend it; nothing was built") from None
    except ValueError as error:  # zero bytes
        raise BuildError(f"{label} is no Python: {error}", fix="mend it; nothing was built") from None
