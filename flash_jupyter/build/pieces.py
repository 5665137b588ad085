"""The top-level statements of a cell, each with its text, its comments and what it does with names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from flash_jupyter.build.cells import Cell, Role
from flash_jupyter.capture.names import CellNames, analyse


class Kind(Enum):
    """What a statement is for who exports it."""

    DEFINITION = "definition"  # an import, a function, a class: code wherever it stands
    CONSTANT = "constant"  # names bound to a literal
    BINDING = "binding"  # names bound to something that has to be computed
    EFFECT = "effect"  # it binds nothing: it is there for what it does


_WITHOUT_WORK = (Kind.DEFINITION, Kind.CONSTANT)
#: methods of the built-in containers that change them
_CHANGING = frozenset(
    {*("add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse")}
    | {*("setdefault", "sort", "update")}
)


@dataclass(frozen=True)
class Piece:
    """A statement. `line` is its first in the cell, from 1."""

    cell: Cell
    line: int
    text: str
    kind: Kind
    names: CellNames = field(repr=False)
    node: ast.stmt = field(repr=False)

    @property
    def needs(self) -> set[str]:
        """The names that it reads from outside, built-in ones too: the notebook may have bound them anew."""
        return {*self.names.reads, *self.names.builtins}

    @property
    def is_code(self) -> bool:
        """Whether it belongs to what is exported: by its kind, or by the mark of its cell."""
        return self.kind is Kind.DEFINITION or self.cell.role in (Role.SETUP, Role.INIT)


def pieces_of(cell: Cell) -> Iterator[Piece]:
    """Take a cell apart, in order."""
    lines = cell.plain.text.splitlines()
    before = 0
    for node in cell.plain.tree.body:
        end = node.end_lineno or node.lineno
        for part, text in _parts(node, _text(lines, before, node)):
            own = text if part is not node else _own_text(lines, node)
            yield Piece(cell, _first_line(node), text, kind_of(part), analyse(own), part)
        before = end


def _parts(node: ast.stmt, text: str) -> Iterator[tuple[ast.stmt, str]]:
    """Each name of an import is one of its own: who needs one does not need the others."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)) or len(node.names) == 1:
        yield node, text
        return
    for alias in node.names:
        alone = (
            ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], node.level)
        )
        alone = ast.copy_location(alone, node)
        yield alone, ast.unparse(alone)


def kind_of(node: ast.stmt) -> Kind:
    """Say what a statement is for.

    >>> [kind_of(node).name for node in ast.parse("import os; K = -3; df = load(); df.pop()").body]
    ['DEFINITION', 'CONSTANT', 'BINDING', 'EFFECT']
    """
    match node:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return Kind.DEFINITION
        case ast.If() | ast.Try() if all(kind_of(each) in _WITHOUT_WORK for each in _branches(node)):
            return Kind.DEFINITION
        case ast.Assign(value=ast.Lambda()):
            return Kind.DEFINITION
        case ast.Assign() | ast.AnnAssign(value=ast.expr()):
            if not all(map(_is_name, node.targets if isinstance(node, ast.Assign) else [node.target])):
                return Kind.EFFECT
            return Kind.CONSTANT if node.value is not None and is_literal(node.value) else Kind.BINDING
        case ast.Pass():
            return Kind.CONSTANT
        case ast.With() | ast.For() | ast.If() | ast.Try() | ast.AugAssign():
            return Kind.BINDING if analyse(ast.unparse(node)).binds else Kind.EFFECT
    return Kind.EFFECT


def changes(node: ast.stmt) -> str:
    """Return the name whose object a statement plainly changes, empty where it changes none.

    >>> [changes(node) for node in ast.parse("c['a'] = 1; c.update(b=2); c.lr += 1; print(c)").body]
    ['c', 'c', 'c', '']
    """
    match node:
        case ast.Assign(targets=[target]) | ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            changed = target
        case ast.Delete(targets=[target]):
            changed = target
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=method) as changed)) if method in _CHANGING:
            pass
        case _:
            return ""
    if not isinstance(changed, (ast.Attribute, ast.Subscript)):
        return ""
    inner: ast.expr = changed
    while isinstance(inner, (ast.Attribute, ast.Subscript)):
        inner = inner.value
    return inner.id if isinstance(inner, ast.Name) else ""


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is a value that anybody can write down.

    >>> is_literal(ast.parse("{'a': [1, -2]}", mode="eval").body), is_literal(ast.parse("f()", mode="eval").body)
    (True, False)
    """
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return False
    return True


def _is_name(target: ast.expr) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return all(map(_is_name, target.elts))
    return isinstance(target, (ast.Name, ast.Starred))


def _branches(node: ast.If | ast.Try) -> Iterator[ast.stmt]:
    """The statements of all branches."""
    yield from node.body
    yield from node.orelse
    if isinstance(node, ast.Try):
        yield from node.finalbody
        for handler in node.handlers:
            yield from handler.body


def _text(lines: list[str], before: int, node: ast.stmt) -> str:
    """The statement's lines with the comments right above it; what shares its line with others stands alone."""
    start, end = _first_line(node) - 1, node.end_lineno or node.lineno
    if start < before or _shares_its_end(lines[end - 1], node):
        return _own_text(lines, node)
    while start > before and _is_comment(lines[start - 1]):
        start -= 1
    return "\n".join(lines[start:end])


def _is_comment(line: str) -> bool:
    """Whether a line is a comment for people, no mark."""
    return line.lstrip().startswith("#") and not line.lstrip("# ").startswith("|")


def _shares_its_end(line: str, node: ast.stmt) -> bool:
    rest = line.encode()[node.end_col_offset or 0 :].decode().strip()
    return bool(rest.lstrip(";").strip()) and not rest.startswith("#")


def _own_text(lines: list[str], node: ast.stmt) -> str:
    """The statement alone, at the line where it begins, so that what is read in it has the cell's line numbers."""
    first, end = _first_line(node), node.end_lineno or node.lineno
    taken = [line.encode() for line in lines[first - 1 : end]]
    taken[-1] = taken[-1][: node.end_col_offset]
    if first == node.lineno:
        taken[0] = taken[0][node.col_offset :]
    return b"\n".join(taken).decode()


def _first_line(node: ast.stmt) -> int:
    """The line of the first decorator, or of the statement."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])
