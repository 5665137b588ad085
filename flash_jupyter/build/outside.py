"""The user's own modules outside of a project: where its sources and editable installs find them, their ignore files.

Of what a source adds to `sys.path` plain paths are read, `__file__`, names of such, and what `os.path` and `pathlib`
make of them; nothing is run. Whatever makes an editable install (PEP 660: a `.pth` file of hatch or poetry, a finder of
setuptools), the import system of this Python knows where its modules are; only top levels are asked for.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from flash_jupyter.build.folder import Ignore
from flash_jupyter.capture.modules import INSTALLED
from flash_jupyter.settings import project_root

_SAME = frozenset({"str", "fspath", "normpath", "as_posix", "PurePath", "Path"})
_ABSOLUTE = frozenset({"abspath", "realpath", "resolve", "absolute"})


class Editable:
    """The editable installs of this Python; looked up when the first module is asked for."""

    def find(self, parts: Sequence[str]) -> Path | None:
        """Return the file of a module, given by the words of its name; None for one that no editable install has."""
        if parts[0] in sys.stdlib_module_names or not self._folders:
            return None
        spec, rest = _spec(parts)
        if spec is None or not self._is_ours(spec.origin):
            return None
        if not rest:
            return Path(spec.origin or "")
        for folder in spec.submodule_search_locations or ():
            base = Path(folder).joinpath(*rest)
            for path in (base / "__init__.py", base.with_suffix(".py")):
                if path.is_file():
                    return path
        return None

    def _is_ours(self, origin: str | None) -> bool:
        if not origin or not origin.endswith(".py"):
            return False
        path = Path(origin).resolve()
        return INSTALLED.isdisjoint(path.parts) and any(path.is_relative_to(folder) for folder in self._folders)

    @cached_property
    def _folders(self) -> tuple[Path, ...]:
        return tuple(folder for each in metadata.distributions() if (folder := _folder_of(each)) is not None)


def _folder_of(distribution: metadata.Distribution) -> Path | None:
    """The project that a distribution is an editable install of (`direct_url.json`, PEP 610)."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    is_editable = origin.get("dir_info", {}).get("editable", False)
    return Path(url2pathname(urlsplit(origin["url"]).path)).resolve() if is_editable else None


def _spec(parts: Sequence[str]) -> tuple[ModuleSpec | None, Sequence[str]]:
    """Find the first package that has a file, below packages that have none; and the words that are left."""
    for length in range(1, len(parts) + 1):
        try:
            spec = find_spec(".".join(parts[:length]))
        except (ImportError, ValueError, AttributeError):
            return None, ()
        if spec is None or spec.has_location:
            return spec, parts[length:]
    return None, ()


class Excluded(NamedTuple):
    """Where a rule holds, what the file is called there, and the rule; empty for one of every build."""

    folder: Path
    name: str
    rule: str


class Outside:
    """The rules of other projects, read once for each."""

    def __init__(self) -> None:
        self._rules: dict[Path, Ignore] = {}

    def excluding(self, path: Path, folder: Path) -> Excluded | None:
        """Return the rule that keeps a file away, which Python finds from `folder`; None where it may be shipped."""
        for root in dict.fromkeys((project_root(path.parent) or folder, folder)):
            if root not in self._rules:
                self._rules[root] = Ignore(root)
            name = path.relative_to(root).as_posix()
            if self._rules[root].excludes(name):
                return Excluded(root, name, self._rules[root].rule(name))
        return None


class Added(NamedTuple):
    """What a statement adds: its folder, None where only running it would tell; `is_first` where it goes in front."""

    folder: Path | None
    text: str
    is_first: bool


def added_paths(nodes: Iterable[ast.stmt], folder: Path, file: Path | None = None) -> list[Added]:
    r"""Return what these statements add, in order; relative paths begin at `folder`, `__file__` is `file`.

    >>> tree = ast.parse("lib = os.path.join('..', 'lib')\nif lib not in sys.path:\n    sys.path.append(lib)")
    >>> [(str(each.folder), each.text) for each in added_paths(tree.body, Path("/projects/a"))]
    [('/projects/lib', 'sys.path.append(lib)')]
    """
    nodes = list(nodes)
    reader = _Reader(folder, file, _assigned(nodes))
    found = []
    for node in (part for statement in nodes for part in ast.walk(statement)):
        for value, is_first in _values(node):
            path = reader.read(value)
            place = None if path is None else (folder / path).resolve()
            found.append(Added(place, ast.unparse(node), is_first))
    return found


def _assigned(nodes: Iterable[ast.stmt]) -> dict[str, ast.expr]:
    """The names that are bound once, and to what."""
    found: dict[str, ast.expr | None] = {}
    for node in (part for statement in nodes for part in ast.walk(statement)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            found[name] = None if name in found else node.value
    return {name: value for name, value in found.items() if value is not None}


def _values(node: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """The expressions that a node adds to `sys.path`, and whether in front."""
    match node:
        case ast.Call(func=ast.Attribute(value=path, attr="append"), args=[value]) if _is_path(path):
            yield value, False
        case ast.Call(func=ast.Attribute(value=path, attr="insert"), args=[_, value]) if _is_path(path):
            yield value, True
        case ast.Call(func=ast.Attribute(value=path, attr="extend"), args=[ast.List(elts) | ast.Tuple(elts)]) if (
            _is_path(path)
        ):
            yield from ((value, False) for value in elts)
        case ast.AugAssign(target=path, value=ast.List(elts) | ast.Tuple(elts)) if _is_path(path):
            yield from ((value, False) for value in elts)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="site"), attr="addsitedir"), args=[value]):
            yield value, False


def _is_path(node: ast.expr) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="sys"), attr="path"):
            return True
    return False


class _Reader:
    """What a path's expression is worth; None for what it can't read."""

    def __init__(self, folder: Path, file: Path | None, names: dict[str, ast.expr]) -> None:
        self._folder, self._file, self._names = folder, file, names

    def read(self, node: ast.expr) -> Path | None:
        match node:
            case ast.Constant(value=str(text)):
                return Path(text)
            case ast.Name(id="__file__"):
                return self._file
            case ast.Name(id=name) if name in self._names:
                value = self._names.pop(name)  # not read again while it is read: a name may stand for itself
                found = self.read(value)
                self._names[name] = value
                return found
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._joined([left, right])
            case ast.Attribute(value=value, attr="parent"):
                return self._of(value, lambda path: path.parent)
            case ast.Subscript(value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int(number))):
                return self._of(value, lambda path: path.parents[number] if number < len(path.parents) else None)
            case ast.Call(func=func, args=args, keywords=[]):
                return self._call(func, args)
        return None

    def _of(self, node: ast.expr, change: Callable[[Path], Path | None]) -> Path | None:
        path = self.read(node)
        return None if path is None else change(path)

    def _joined(self, nodes: list[ast.expr]) -> Path | None:
        parts = [self.read(node) for node in nodes]
        known = [part for part in parts if part is not None]
        return Path(*known) if len(known) == len(parts) else None

    def _call(self, func: ast.expr, args: list[ast.expr]) -> Path | None:
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if name in ("getcwd", "cwd") and not args:
            return self._folder
        # a method has its path before the dot, a function of os.path between brackets
        given = args or ([func.value] if isinstance(func, ast.Attribute) else [])
        if name == "joinpath" and isinstance(func, ast.Attribute):
            return self._joined([func.value, *args])
        if not given or (len(given) > 1 and name not in ("join", "Path", "PurePath")):
            return None
        if name == "join" or name in _SAME:
            return self._joined(given)
        if name in _ABSOLUTE:
            return self._of(given[0], lambda path: (self._folder / path).resolve())
        if name == "expanduser":
            return self._of(given[0], _with_home)
        if name == "dirname":
            return self._of(given[0], lambda path: path.parent)
        return None


def _with_home(path: Path) -> Path:
    """Return a path with `~` replaced, as `os.path` has it: where nobody is called so, it stays as it is."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
