"""Local modules: files of the user's own that the cell's code imports, shipped as source text.

Local is what has a `.py` file that is neither in the standard library, nor in site-packages, nor ours: beside the
notebook, elsewhere on `sys.path`, or installed as editable. Only source travels, never data files or `.env`; and always
the file as it is on disk, read again when its time or size changed, even where the kernel still runs what it imported.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from flash_jupyter.capture.statements import IMPORT_ERRORS, caught_by
from flash_jupyter.errors import CaptureError

#: the package, and as which modules import it that were written for the released client (`flash run`)
_OURS = frozenset({__name__.partition(".")[0], "runpod_flash"})
_NOT_SHIPPED = frozenset(sys.stdlib_module_names) | _OURS | {"__main__", "__mp_main__", ""}
#: what is in such a folder was installed, wherever that is
INSTALLED = frozenset({"site-packages", "dist-packages"})
_STANDARD = tuple(
    os.path.normcase(str(Path(path).resolve())) + os.sep
    for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
)


@dataclass(frozen=True)
class Location:
    """Where a local module is: its file (None for a namespace package) and the folders of its submodules."""

    file: str | None
    folders: tuple[str, ...] = ()


@dataclass
class Shipment:
    """What the code needs beside itself: `sources`, relative posix path -> text; `packages`, third-party top levels."""

    sources: dict[str, str] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Source:
    stamp: tuple[int, int]
    text: str
    imports: tuple[Imported, ...]


class Imported(NamedTuple):
    """A dotted name that may be a module; `optional` where the code can do without it."""

    module: str
    optional: bool = False


def imports_of(text: str, package: str) -> tuple[Imported, ...]:
    r"""Find the imports of a module that belongs to `package` ("" for none), or raise `SyntaxError`.

    Imports inside functions count; those under `except ImportError`, `TYPE_CHECKING` or `__name__ == "__main__"` are
    optional. Literal `import_module("...")` counts too.

    >>> [name for name, _ in imports_of("import a.b\nfrom . import c\nfrom ..d import e", "p.q")]
    ['a.b', 'p.q', 'p.q.c', 'p.d', 'p.d.e']
    """
    return tuple(dict.fromkeys(_walk(ast.parse(text).body, package, optional=False)))


def _walk(nodes: Iterable[ast.AST], package: str, *, optional: bool) -> Iterator[Imported]:
    for node in nodes:
        for name in _imported(node, package):
            yield Imported(name, optional)
        if isinstance(node, ast.Try) and any(caught_by(handler) & IMPORT_ERRORS for handler in node.handlers):
            yield from _walk(node.body, package, optional=True)
            yield from _walk([*node.handlers, *node.orelse, *node.finalbody], package, optional=optional)
        elif isinstance(node, ast.If) and (_is_type_checking(node.test) or is_main_guard(node.test)):
            yield from _walk(node.body, package, optional=True)
            yield from _walk(node.orelse, package, optional=optional)
        else:
            yield from _walk(ast.iter_child_nodes(node), package, optional=optional)


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = absolute(node, package)
        if module:
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names if alias.name != "*")
    elif isinstance(node, ast.Call) and node.args:
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        first = node.args[0]
        if called in {"import_module", "__import__"} and isinstance(first, ast.Constant):
            name = str(first.value)
            yield f"{package}{name}" if name.startswith(".") else name


def absolute(node: ast.ImportFrom, package: str) -> str:
    """Return the dotted name of the module that a `from` import names, "" for one beyond the top package.

    >>> absolute(ast.parse("from ..b import c").body[0], "p.q")
    'p.b'
    """
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    if node.level > len(parts):
        return ""  # beyond the top: Python refuses it too
    return ".".join(filter(None, [*parts[: len(parts) - node.level + 1], node.module]))


def is_main_guard(test: ast.expr) -> bool:
    """Whether a condition asks for `__name__`, as `if __name__ == "__main__"` does."""
    return isinstance(test, ast.Compare) and "__name__" in {getattr(part, "id", "") for part in ast.walk(test)}


def _is_type_checking(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"


class LocalModules:
    """Finds local modules and reads them; keeps what it read until the file changes."""

    def __init__(self) -> None:
        self._sources: dict[tuple[str, str], _Source] = {}
        self._is_local: dict[str, bool] = {}
        self._installed: set[str] = set()

    def collect(self, wanted: Iterable[str], optional: Iterable[str] = ()) -> Shipment:
        """Collect the local modules among these dotted names, with everything local that they import.

        A name may turn out to be no module (`a.b` of `from a import b`); then its parent counts. `optional` names are
        shipped where they are local, and not reported where they are third-party.
        """
        shipment = Shipment()
        todo = [Imported(name, optional=True) for name in optional] + [Imported(name) for name in wanted]
        seen: set[Imported] = set()
        while todo:
            wish = todo.pop()
            if wish not in seen:
                seen.add(wish)
                todo += self._take(wish, shipment)
        return shipment

    def is_local(self, name: str) -> bool:
        """Whether a module is a file of the user's own, which travels as source."""
        if name.partition(".")[0] in _NOT_SHIPPED:
            return False
        location = self._locate(name)
        return location is not None and location.file is not None

    def _take(self, wish: Imported, shipment: Shipment) -> Iterable[Imported]:
        parent, _, _ = wish.module.rpartition(".")
        root = wish.module.partition(".")[0]
        if root in _NOT_SHIPPED:
            return []
        location = None if root in self._installed else self._locate(wish.module)
        if location is None and not parent and not wish.optional:
            shipment.packages.add(root)
        above = [Imported(parent, wish.optional)] if parent else []
        if location is None or location.file is None or not Path(location.file).is_file():
            return above
        source = self._read(wish.module, location)
        shipment.sources[_relative_path(wish.module, location)] = source.text
        return [*above, *source.imports]

    # --- where -----------------------------------------------------------------------------------------------

    def _locate(self, name: str) -> Location | None:
        module = sys.modules.get(name)
        if module is not None:
            return self._locate_loaded(name, module)
        parent, _, last = name.rpartition(".")
        if parent:
            above = self._locate(parent)
            return above and self._locate_below(above, last)
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        if spec is None:
            return None
        return self._judge(name, spec.origin if spec.has_location else None, spec.submodule_search_locations)

    def _locate_loaded(self, name: str, module: ModuleType) -> Location | None:
        try:
            folders = list(getattr(module, "__path__", ()))
        except (TypeError, KeyError):  # a namespace package whose parent is gone
            folders = []
        return self._judge(name, getattr(module, "__file__", None), folders)

    def _judge(self, name: str, file: str | None, folders: Iterable[str] | None) -> Location | None:
        where = tuple(folders or ())
        if file is None:
            return Location(None, where) if any(map(self._local, where)) else None
        if file.endswith(".py") and self._local(file):
            return Location(file, where)
        self._installed.add(name.partition(".")[0])
        return None

    def _locate_below(self, above: Location, last: str) -> Location | None:
        for folder in map(Path, above.folders):
            package, module = folder / last, folder / f"{last}.py"
            if (package / "__init__.py").is_file():
                return Location(str(package / "__init__.py"), (str(package),))
            if module.is_file():
                return Location(str(module))
            if package.is_dir():
                return Location(None, (str(package),))
        return None

    def _local(self, path: str) -> bool:
        known = self._is_local.get(path)
        if known is None:
            resolved = Path(path).resolve()
            standard = os.path.normcase(str(resolved)).startswith(_STANDARD)
            known = not standard and INSTALLED.isdisjoint(resolved.parts) and resolved.exists()
            self._is_local[path] = known
        return known

    # --- what ------------------------------------------------------------------------------------------------

    def _read(self, name: str, location: Location) -> _Source:
        file = str(location.file)
        status = Path(file).stat()
        stamp = status.st_mtime_ns, status.st_size
        source = self._sources.get((name, file))
        if source is None or source.stamp != stamp:
            text = _read_text(file)
            package = name if location.folders else name.rpartition(".")[0]
            source = _Source(stamp, text, _imports(file, text, package))
            self._sources[name, file] = source
        return source


def _imports(file: str, text: str, package: str) -> tuple[Imported, ...]:
    try:
        return imports_of(text, package)
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte, up to Python 3.11
        where = f"line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else str(error)
        raise CaptureError(
            f"{file}, which the cell needs, is not Python: {where}; nothing was sent", fix="correct it and run again"
        ) from None


def _read_text(file: str) -> str:
    try:
        with tokenize.open(file) as stream:  # honours a coding cookie
            return stream.read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise CaptureError(f"{file} can't be read: {error}", fix="save it as UTF-8") from None


def _relative_path(name: str, location: Location) -> str:
    return name.replace(".", "/") + ("/__init__.py" if location.folders else ".py")
