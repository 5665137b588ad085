"""What a module's text imports, wherever in it the import stands."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from flash_jupyter.capture.statements import IMPORT_ERRORS, caught_by


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
