"""A project as the build reads it: a notebook, a Python file or a folder becomes exports and files; nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from importlib.util import decode_source
from pathlib import Path

from flash_jupyter.build.cells import Cell, read_notebook
from flash_jupyter.build.evaluate import Evaluator
from flash_jupyter.build.ignore import Ignore
from flash_jupyter.build.marks import Role
from flash_jupyter.build.modules import Module, Modules
from flash_jupyter.build.notebook import read_exports
from flash_jupyter.build.project import Export, Project, Wanted
from flash_jupyter.build.requirement_files import read_files, read_script
from flash_jupyter.build.scan import declared
from flash_jupyter.capture.imports import Imported, imports_of
from flash_jupyter.errors import BuildError

#: a cell of jupytext's percent format
_CELL = re.compile(r"^# %%", re.MULTILINE)
#: what makes a file of such cells a notebook: a mark of ours, or jupytext's header
_MARK = re.compile(r"""^# %%.*["']flash:|^#\s*\|\s*(flash|export|remote)\b|^#\s+jupytext:""", re.MULTILINE)


def read_project(path: Path, *, from_magics: bool = False) -> Project:
    """Read what is to be built: a notebook, a `.py` in percent format, a Python file or a folder.

    With `from_magics` the `%%remote` cells of notebooks are handlers too. Raises `BuildError`.
    """
    path = path.resolve()
    if not path.exists():
        raise BuildError(f"there is no {path}", fix="give the path of a notebook, a Python file or a folder")
    reading = _Reading(path if path.is_dir() else _root_of(path), from_magics=from_magics)
    for each in reading.sources() if path.is_dir() else [path]:
        if is_notebook(each):
            reading.add_notebook(each)
        else:
            reading.add_file(each)
    return reading.project(path.stem if path.is_file() else path.name)


def is_notebook(path: Path) -> bool:
    """Whether a file is a notebook, as `.ipynb` or in percent format."""
    if path.suffix != ".py":
        return path.suffix == ".ipynb"
    text = path.read_bytes().decode("utf-8", "replace")
    return _CELL.search(text) is not None and _MARK.search(text) is not None


def _root_of(path: Path) -> Path:
    """The folder from which a file's name is looked for: above the packages that it is in."""
    folder = path.parent
    while path.suffix == ".py" and (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


class _Reading:
    """What has been read so far."""

    def __init__(self, root: Path, *, from_magics: bool) -> None:
        self._root, self._from_magics = root, from_magics
        self._ignore = Ignore(root)
        self._modules = Modules(root, [root], self._ignore)
        self._exports: list[Export] = []
        self._files: dict[str, bytes] = {}
        self._imports: set[str] = set()
        self._requirements: list[Wanted] = list(read_files(root))
        self._tests: dict[str, tuple[Cell, ...]] = {}

    def sources(self) -> list[Path]:
        """Return the Python files and notebooks of the folder."""
        return [path for path in self._ignore.files() if path.suffix in (".py", ".ipynb")]

    def add_file(self, path: Path) -> None:
        """Read a Python file."""
        relative = path.relative_to(self._root).with_suffix("")
        parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
        module = Module(".".join(parts), path)
        text = self._modules.read(module)
        self._requirements += read_script(decode_source(path.read_bytes()), text.label)
        for found in declared(text, Evaluator(self._modules.text)):
            self._exports.append(
                Export(
                    found.function,
                    found.resource,
                    found.where,
                    found.dependencies,
                    found.system_dependencies,
                    found.config_variable,
                )
            )
        self._ship(module.path.relative_to(self._root).as_posix(), path.read_bytes())
        self._follow(imports_of(decode_source(path.read_bytes()), module.package), self._modules, text.label)

    def add_notebook(self, path: Path) -> None:
        """Read a notebook."""
        notebook = replace(read_notebook(path), name=path.relative_to(self._root).as_posix())
        if tests := notebook.of_role(Role.TEST):
            self._tests[notebook.name] = tests
        for cell in notebook.cells:
            self._requirements += read_script(cell.source, notebook.name)
        modules = Modules(self._root, [path.parent, self._root], self._ignore)
        exports, texts = read_exports(notebook, Evaluator(modules.text))
        self._exports += exports
        for name, text in texts.items():
            self._ship(f"{name}.py", text.encode())
            self._follow(imports_of(text, ""), modules, notebook.name)

    def _follow(self, imported: Iterable[Imported], modules: Modules, label: str) -> None:
        """Take along the modules of the project that a served module imports."""
        modules.refuse_excluded(imported, label)
        self._imports |= modules.foreign(imported)
        for name, module in modules.closure(name for name, _ in imported).items():
            is_package = module.path.name == "__init__.py"
            place = f"{name.replace('.', '/')}/__init__.py" if is_package else f"{name.replace('.', '/')}.py"
            self._ship(place, module.path.read_bytes())
            text = decode_source(module.path.read_bytes())
            self._imports |= modules.foreign(imports_of(text, module.package))

    def _ship(self, place: str, content: bytes) -> None:
        self._files[place] = content

    def project(self, name: str) -> Project:
        """Return the whole; raises `BuildError` where there is nothing to serve."""
        if not self._exports:
            raise BuildError(
                f"{name} has no remote functions", fix="put @remote above a function, or tag a cell flash:handler"
            )
        return Project(
            name=name,
            root=self._root,
            exports=tuple(self._exports),
            files=dict(sorted(self._files.items())),
            imports=frozenset(self._imports),
            requirements=tuple(dict.fromkeys(self._requirements)),
            tests=self._tests,
        )
