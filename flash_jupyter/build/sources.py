"""A project as the build reads it: a notebook, a Python file or a folder becomes exports and files; nothing is run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.util import decode_source
from pathlib import Path

from flash_jupyter.build.cells import Cell, Role, read_notebook
from flash_jupyter.build.evaluate import Evaluator
from flash_jupyter.build.folder import Ignore, check_size, is_notebook, read_folder
from flash_jupyter.build.include import included, unshipped
from flash_jupyter.build.modules import Module, Modules, above
from flash_jupyter.build.notebook import magic_cells, read_exports, with_magics
from flash_jupyter.build.outside import added_paths
from flash_jupyter.build.project import Export, Project, Wanted
from flash_jupyter.build.requirement_files import read_files, read_script, unread_settings
from flash_jupyter.build.scan import declared
from flash_jupyter.capture.modules import Imported, imports_of
from flash_jupyter.errors import BuildError

#: how many names a message has
_LISTED = 6
_MARKS = ("@remote", ".remote(", "flash:", "| flash")


def read_project(path: Path, *, from_magics: bool = False) -> Project:
    """Read what is to be built: a notebook, a `.py` in percent format, a Python file or a folder.

    With `from_magics` the `%%remote` cells of notebooks are handlers too. Raises `BuildError`.
    """
    path = path.resolve()
    if not path.exists():
        raise BuildError(f"there is no {path}", fix="give the path of a notebook, a Python file or a folder")
    if path.is_dir():
        reading = _Reading(path, from_magics=from_magics)
        reading.add_folder()
        return reading.project(path.name)
    if path.suffix not in (".py", ".ipynb"):
        raise BuildError(f"{path.name} is no notebook and no Python file", fix="give the path of one, or of a folder")
    reading = _Reading(root_of(path), from_magics=from_magics)
    if is_notebook(path):
        reading.add_notebook(path)
    else:
        reading.add_file(path)
    reading.refuse_above(path.name)
    return reading.project(path.stem)


def root_of(path: Path) -> Path:
    """Return the folder from which a file's name is looked for: above the packages that it is in."""
    folder = path.parent
    while path.suffix == ".py" and (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


class _Reading:
    """What has been read so far."""

    def __init__(self, root: Path, *, from_magics: bool) -> None:
        self._root, self._from_magics = root, from_magics
        self._ignore = Ignore(root)
        self._modules = Modules(root, self._ignore)
        self._exports: list[Export] = []
        self._files: dict[str, bytes] = {}
        self._imports: set[str] = set()
        self._requirements: list[Wanted] = list(read_files(root))
        self._tests: dict[str, tuple[Cell, ...]] = {}
        self._looked_at: list[str] = []
        self._magics: list[str] = []
        self._unread: list[str] = []
        self._told: list[str] = []
        #: the modules of notebooks, with the name and the folder of theirs
        self._written: list[tuple[str, str, Path]] = []

    def add_folder(self) -> None:
        """Read a project; raises `BuildError` for a syntax error in any of its sources."""
        found = read_folder(self._root, self._ignore)
        for path in found.modules:
            self._modules.add_paths_of(path)
        for path in found.modules:
            self.add_file(path)
        for path in found.notebooks:
            self.add_notebook(path)
        for path in found.data:
            self._ship(self._modules.place(path), path.read_bytes(), self._label(path))

    def add_file(self, path: Path) -> None:
        """Read a Python file; what it serves brings along what it imports."""
        module = self._modules.named(path)
        self._modules.add_paths_of(path)
        text = self._modules.read(module)
        exports = [found.export() for found in declared(text, Evaluator(self._modules.text))]
        self._looked_at.append(text.label)
        self._add_exports(exports)
        self._ship(self._modules.place(path), path.read_bytes(), text.label)
        self._requirements += read_script(decode_source(path.read_bytes()), text.label)
        if exports:
            self._refuse_unimportable(module, text.label)
            self._follow(self._modules.imports(module), self._modules)

    def add_notebook(self, path: Path) -> None:
        """Read a notebook; local modules are looked for beside it, as its kernel does, and then in the project."""
        notebook = replace(read_notebook(path), name=self._label(path))
        self._looked_at.append(notebook.name)
        if self._from_magics:
            notebook = with_magics(notebook)
        elif cells := magic_cells(notebook):
            self._magics.append(f"{len(cells)} in {notebook.name}")
        if tests := notebook.of_role(Role.TEST):
            self._tests[notebook.name] = tests
        for cell in notebook.cells:
            self._requirements += read_script(cell.source, notebook.name)
        modules = Modules(self._root, self._ignore, path.parent)
        for cell in notebook.cells:
            modules.add_paths(added_paths(cell.plain.tree.body, path.parent), f"{cell} of {notebook.name}")
        self._unread += modules.unread
        files = included(notebook, path.parent, self._root, self._ignore)
        check_size(path.parent, list(files.values()))
        for place, file in files.items():
            self._ship(place, file.read_bytes(), self._label(file))
        exports, texts, told = read_exports(notebook, Evaluator(modules.text))
        self._told += told
        self._add_exports(exports)
        for name, text in texts.items():
            self._ship(f"{name}.py", text.encode(), notebook.name)
            self._written.append((text, notebook.name, path.parent))
            imported = imports_of(text, "")
            modules.refuse_excluded(imported, notebook.name)
            self._follow(imported, modules)

    def _told_of_unshipped(self) -> Iterator[str]:
        """Say which files a notebook's module names that stay behind; of secrets nothing is to be said."""
        for text, name, folder in self._written:
            for file in unshipped(text, folder, self._files):
                path = self._label(folder / file)
                if not self._ignore.excludes(path) or self._ignore.says(path):
                    yield f"{name} names {file}, which the bundle has not: add `#| flash: include={file}` to a cell"

    def _label(self, path: Path) -> str:
        return self._modules.label(path)

    def _add_exports(self, exports: Iterable[Export]) -> None:
        for export in exports:
            name = export.function.name
            if other := next((each for each in self._exports if each.function.name == name), None):
                raise BuildError(
                    f"two functions are called `{name}`: {other.where} and {export.where}",
                    fix="rename one of them; a handler cell has its name of its tag, flash:handler:NAME",
                )
            self._exports.append(export)

    def _follow(self, imported: Iterable[Imported], modules: Modules) -> None:
        """Take along the modules of the project that are imported, and note what these and it need from elsewhere."""
        imported = tuple(imported)
        self._imports |= modules.foreign(imported)
        for module in modules.closure(imported):
            self._ship(module.place, module.path.read_bytes(), self._label(module.path))
            self._imports |= modules.foreign(modules.imports(module))

    def _ship(self, place: str, content: bytes, source: str) -> None:
        """Put a file into the bundle; raises `BuildError` where another one is there."""
        if self._files.setdefault(place, content) != content:
            raise BuildError(
                f"{source} and another file of {self._root.name} would both be {place} in the bundle",
                fix="rename one of them",
            )

    def _refuse_unimportable(self, module: Module, label: str) -> None:
        if not all(part.isidentifier() for part in module.name.split(".")):
            raise BuildError(
                f"{label} has remote functions, and a name that Python can't import",
                fix="use letters, digits and _ in the names of files and folders",
            )

    def refuse_above(self, name: str) -> None:
        """A file that needs modules of the folders above it can't be built alone."""
        for each in sorted(self._imports):
            if place := above(self._root, each):
                path, project = (os.path.relpath(found, self._root) for found in place)
                raise BuildError(
                    f"{name} imports {each}, which is {path}, outside of its folder",
                    fix=f"build the whole project: flash build {project}",
                )

    def project(self, name: str) -> Project:
        """Return the whole; raises `BuildError` where there is nothing to serve."""
        if not self._exports:
            raise no_functions(name, self._root, self._ignore, self._looked_at, self._magics)
        return Project(
            name=name,
            root=self._root,
            exports=tuple(self._exports),
            files=dict(sorted(self._files.items())),
            imports=frozenset(self._imports),
            requirements=tuple(dict.fromkeys(self._requirements)),
            tests=self._tests,
            unread_paths=tuple(dict.fromkeys([*self._unread, *self._modules.unread])),
            notes=(*unread_settings(self._root), *self._told, *dict.fromkeys(self._told_of_unshipped())),
        )


def no_functions(name: str, root: Path, ignore: Ignore, looked_at: Iterable[str], magics: Iterable[str]) -> BuildError:
    """Return the error for a project without remote functions; `magics` names notebooks with `%%remote` cells."""
    hidden = [
        f"{path.relative_to(root).as_posix()} ({ignore.rule(path.relative_to(root).as_posix())})"
        for path in ignore.excluded()
        if path.suffix in (".py", ".ipynb") and _may_serve(path)
    ]
    if hidden:
        return BuildError(
            f"the ignore files keep all remote functions of {name} away: {_list(hidden)}",
            fix="take that rule out, or take the file back with !FILE in .flashignore",
        )
    seen = list(looked_at)
    if not seen:
        return BuildError(
            f"{name} has no Python file and no notebook", fix="give the path of a notebook, a Python file or a project"
        )
    cells = list(magics)
    if cells:
        return BuildError(
            f"{name} has no remote functions, but %%remote cells: {_list(cells)}",
            fix="flash build --from-magics serves these; or tag a cell flash:handler",
        )
    return BuildError(
        f"{name} has no remote functions; looked at {_list(seen)}",
        fix="put @remote above a function, or tag a cell of a notebook flash:handler",
    )


def _may_serve(path: Path) -> bool:
    text = path.read_bytes()
    return any(mark.encode() in text for mark in _MARKS)


def _list(names: list[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
