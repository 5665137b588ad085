"""A source that is read and never run: its top-level statements in order, and which of them binds a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import decode_source

from flash_jupyter.build.cells import Cell, Notebook
from flash_jupyter.capture.modules import absolute, imports_of, is_main_guard

#: nodes that hold statements of the module's own level
_BLOCKS = (ast.If, ast.Try, ast.With, ast.AsyncWith)


@dataclass(frozen=True)
class Statement:
    """One statement. `number` is its place in the source; `is_doubtful` where a condition decides whether it runs."""

    node: ast.stmt
    number: int
    cell: Cell | None = None
    is_doubtful: bool = False


@dataclass(frozen=True)
class Binding:
    """What a name is bound to: an expression (`value`), what an import brings, or a statement that has to run."""

    name: str
    statement: Statement
    value: ast.expr | None = None
    #: the module, and the name that is taken from it; None for the module itself
    imported: tuple[str, str | None] | None = None


class Text:
    """A Python file or a notebook. `module` is its dotted name, `package` that of its package ("" for none)."""

    def __init__(self, label: str, statements: Iterable[Statement], *, module: str = "", package: str = "") -> None:
        self.label, self.module, self.package = label, module, package
        self.statements = tuple(statements)
        self.stars: list[str] = []
        self._bindings: dict[str, list[Binding]] = defaultdict(list)
        for statement in self.statements:
            self.stars += _stars(statement.node, package)
            for binding in _bindings(statement, package):
                self._bindings[binding.name].append(binding)

    def bindings(self, name: str) -> list[Binding]:
        """Return what binds a name, in order."""
        return self._bindings.get(name, [])

    def where(self, statement: Statement, node: ast.AST | None = None) -> str:
        """Name the place of a statement, or of a part of it, as messages do."""
        line = getattr(node or statement.node, "lineno", statement.node.lineno)
        if statement.cell is None:
            return f"{self.label}, line {line}"
        return f"{statement.cell} of {self.label}" + (f", line {line}" if node else "")


def read_text(label: str, tree: ast.Module, *, module: str, package: str) -> Text:
    """Return a Python file's text."""
    nodes = enumerate(_flat(tree.body))
    return Text(
        label, [Statement(node, at, None, doubt) for at, (node, doubt) in nodes], module=module, package=package
    )


class BundleTexts:
    """The modules of a bundle by their dotted names, each read once; `files` are what it holds, path -> content."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._texts: dict[str, Text | None] = {}

    def text(self, module: str) -> Text | None:
        """Return a module's text; None for one that the bundle has not, or that is no Python."""
        if module not in self._texts:
            self._texts[module] = self._read(module)
        return self._texts[module]

    def _read(self, module: str) -> Text | None:
        base = module.replace(".", "/")
        for label, package in ((f"{base}/__init__.py", module), (f"{base}.py", module.rpartition(".")[0])):
            if label in self._files:
                try:
                    return read_text(label, ast.parse(self._files[label]), module=module, package=package)
                except (SyntaxError, ValueError):  # a data file of that name; who imports it is told elsewhere
                    return None
        return None

    def reached(self, modules: Iterable[str]) -> Iterator[tuple[str, set[str]]]:
        """Yield the source of each module that these need, and the modules that it imports, with those above them."""
        seen, left = set[str](), [*modules]
        while left:
            module = left.pop()
            text = None if module in seen else self.text(module)
            seen.add(module)
            if text is not None:
                source = decode_source(self._files[text.label])
                imported = (name.split(".") for name, _ in imports_of(source, text.package))
                names = {".".join(each[:length]) for each in imported for length in range(1, len(each) + 1)}
                yield source, names
                left += names


def notebook_text(notebook: Notebook, cells: Iterable[Cell]) -> Text:
    """Return the text of these cells of a notebook."""
    nodes = ((node, doubt, cell) for cell in cells for node, doubt in _flat(cell.plain.tree.body))
    return Text(notebook.name, [Statement(node, at, cell, doubt) for at, (node, doubt, cell) in enumerate(nodes)])


def _flat(nodes: Iterable[ast.stmt], *, is_doubtful: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield statements with those of the blocks among them, as far as an import of the module runs them."""
    for node in nodes:
        if isinstance(node, ast.If) and is_main_guard(node.test):
            yield from _flat(node.orelse, is_doubtful=is_doubtful)
            continue
        yield node, is_doubtful
        if isinstance(node, _BLOCKS):
            yield from _flat(node.body, is_doubtful=is_doubtful or isinstance(node, ast.If))
        if isinstance(node, (ast.If, ast.Try)):
            yield from _flat(node.orelse, is_doubtful=True)


def _bindings(statement: Statement, package: str) -> Iterator[Binding]:
    node = statement.node
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield Binding(name, statement)
        case ast.Import():
            for alias in node.names:
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                yield Binding(alias.asname or top, statement, imported=(top, None))
        case ast.ImportFrom():
            for alias in node.names:
                yield Binding(alias.asname or alias.name, statement, imported=(absolute(node, package), alias.name))
        case ast.Assign() | ast.AnnAssign(value=ast.expr()):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield from _assigned(target, node.value, statement)
        case ast.With() | ast.AsyncWith():
            for item in node.items:
                yield from _assigned(item.optional_vars, None, statement) if item.optional_vars else ()
        case _ if not isinstance(node, _BLOCKS):
            stored = (part for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))
            yield from (Binding(part.id, statement) for part in stored)


def _assigned(target: ast.expr, value: ast.expr | None, statement: Statement) -> Iterator[Binding]:
    if isinstance(target, ast.Name):
        yield Binding(target.id, statement, value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        same = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
        values = value.elts if same and isinstance(value, (ast.Tuple, ast.List)) else [None] * len(target.elts)
        for element, part in zip(target.elts, values, strict=True):
            yield from _assigned(element, part, statement)


def _stars(node: ast.stmt, package: str) -> list[str]:
    is_star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    return [absolute(node, package)] if is_star and isinstance(node, ast.ImportFrom) else []
