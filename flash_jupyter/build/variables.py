"""Which environment variables the functions of a resource need: those that their modules read without a default.

Static: `os.environ["NAME"]` and `os.getenv("NAME")`, in their modules and the local ones that these import.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping


def environment_variables(modules: Iterable[str], files: Mapping[str, bytes]) -> list[str]:
    """Return the names, sorted; `modules` are dotted, `files` are those of the bundle.

    >>> files = {"a.py": b"import os, b", "b.py": b"import os; os.environ['TOKEN']; os.getenv('X', 1)"}
    >>> environment_variables(["a"], files)
    ['TOKEN']
    """
    return sorted({name for tree, _ in _reached(modules, files) for name in _read_by(tree)})


def imported_on_the_way(modules: Iterable[str], files: Mapping[str, bytes]) -> frozenset[str]:
    r"""Return the top-level modules that these and the local ones which they import name, wherever they do.

    >>> sorted(imported_on_the_way(["a"], {"a.py": b"import b", "b.py": b"def f():\n  import torch.nn", "c.py": b""}))
    ['b', 'torch']
    """
    return frozenset(name.partition(".")[0] for _, names in _reached(modules, files) for name in names)


def _reached(modules: Iterable[str], files: Mapping[str, bytes]) -> Iterator[tuple[ast.Module, list[str]]]:
    """Yield each module of the bundle that they need, with the names that it imports."""
    seen, left = set[str](), list(modules)
    while left:
        module = left.pop()
        if module in seen or (tree := _tree(module, files)) is None:
            continue
        seen.add(module)
        names = [*_imported(tree, module, is_package=_file(module, files).endswith("__init__.py"))]
        yield tree, names
        left += names


def _file(module: str, files: Mapping[str, bytes]) -> str:
    path = module.replace(".", "/")
    return next((name for name in (f"{path}.py", f"{path}/__init__.py") if name in files), "")


def _tree(module: str, files: Mapping[str, bytes]) -> ast.Module | None:
    name = _file(module, files)
    try:
        return ast.parse(files[name]) if name else None
    except SyntaxError:
        return None


def _imported(tree: ast.Module, module: str, *, is_package: bool) -> Iterator[str]:
    """Every module that may be meant by an import, and the packages above it."""
    parts = module.split(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = parts[: len(parts) - node.level + is_package] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            words = name.split(".")
            yield from (".".join(words[:number]) for number in range(1, len(words) + 1))


def _read_by(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=place, slice=ast.Constant(value=str(name)), ctx=ast.Load()) if _is(
                place, "environ"
            ):
                yield name
            case ast.Call(func=place, args=[ast.Constant(value=str(name))], keywords=[]) if _is(place, "getenv"):
                yield name


def _is(node: ast.expr, word: str) -> bool:
    """Whether this is `os.WORD`, or `WORD` alone."""
    match node:
        case ast.Attribute(value=ast.Name(id="os"), attr=name) | ast.Name(id=name):
            return name == word
    return False
