"""One readable module of a slice: the notebook's own lines with cell markers, and the handler cell as a function.

`# %% NOTEBOOK#CELL` is jupytext's marker, so an editor shows the module as cells again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import groupby

from flash_jupyter.build.interface import Interface
from flash_jupyter.build.pieces import Piece
from flash_jupyter.build.slice import Slice
from flash_jupyter.capture.names import analyse

INDENT = "    "


def write_shared(
    names: Iterable[str], pieces: Iterable[Piece], handlers: Iterable[tuple[Slice, Interface]], notebook: str
) -> str:
    """Return the text of a module of `pieces`, and a function for each of `handlers`; `names` are what it serves."""
    served = ", ".join(f"`{name}`" for name in names)
    parts = [f'"""{served} of {notebook}, written by `flash build`; change the notebook, not this file."""\n']
    for _, of_cell in groupby(pieces, key=lambda piece: piece.cell.number):
        together = list(of_cell)
        parts.append(f"{marker(notebook, together[0])}\n{_join(together)}\n")
    for found, interface in handlers:
        parts.append(f"{marker(notebook, found.handler)}\n{write_handler(found, interface)}")
    return "\n\n".join(parts)


def marker(notebook: str, of: object) -> str:
    """Return the line that says from which cell the next lines come."""
    cell = of.cell if isinstance(of, Piece) else of
    return f"# %% {notebook}#{getattr(cell, 'id', '')}"


def write_handler(found: Slice, interface: Interface) -> str:
    """Write the handler cell as a function of its inputs."""
    parameters = [_parameter(name, interface.defaults.get(name)) for name in interface.inputs]
    star = ["*"] if parameters else []
    keyword = "async def" if interface.is_async else "def"
    head, shadows = [f"{keyword} {interface.name}({', '.join([*star, *parameters])}):"], _shadowed(found)
    before = [f"_notebook_{name} = {name}" for name in shadows]
    prologue = [f"{INDENT}{name} = _notebook_{name}" for name in shadows]
    prologue += [
        f"{INDENT}{name} = {text} if {name} is None else {name}"
        for name, text in interface.defaults.items()
        if _may_change(text)
    ]
    body = _indented(_body(found, interface)) or [f"{INDENT}pass"]
    return "\n".join([*before, *([""] * 2 if before else []), *head, *prologue, *body, ""])


def _parameter(name: str, default: str | None) -> str:
    if default is None:
        return name
    return f"{name}=None" if _may_change(default) else f"{name}={default}"


def _may_change(default: str) -> bool:
    """Whether a default is made anew for each request, because one could change it for the next."""
    return any(isinstance(node, (ast.List, ast.Dict, ast.Set)) for node in ast.walk(ast.parse(default)))


def _shadowed(found: Slice) -> list[str]:
    """Names of the module that the cell reads and then binds anew: in a function they would be unbound local names."""
    names = analyse(found.handler.plain.text)
    made = {name for piece in found.pieces for name in piece.names.binds}
    return sorted(name for name in {*names.reads, *names.builtins} if name in made and name in names.binds)


def _body(found: Slice, interface: Interface) -> str:
    """The cell's text, and what it returns."""
    text = found.handler.plain.text.strip("\n")
    lines = [line for line in text.splitlines() if not _is_mark(line)]
    text = "\n".join(lines).strip("\n")
    if interface.outputs is None:
        return _with_return(text)
    if not interface.outputs:
        return text
    names = ", ".join(f'"{name}": {name}' for name in interface.outputs)
    return f"{text}\nreturn {{{names}}}"


def _with_return(text: str) -> str:
    """Put `return` before the last expression."""
    last = ast.parse(text).body[-1]
    lines = text.splitlines()
    line = lines[last.lineno - 1].encode()
    lines[last.lineno - 1] = (line[: last.col_offset] + b"return " + line[last.col_offset :]).decode()
    return "\n".join(lines)


def _is_mark(line: str) -> bool:
    return line.startswith("#") and line.lstrip("# ").startswith("|")


def _indented(text: str) -> list[str]:
    """Indent the lines of a cell, those that stand inside of a string excepted: they would change its value."""
    inside = set(_lines_in_strings(ast.parse(text)))
    return [
        line if number in inside or not line.strip() else INDENT + line
        for number, line in enumerate(text.splitlines(), 1)
    ]


def _lines_in_strings(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))):
            yield from range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)


def _join(pieces: list[Piece]) -> str:
    """Put the statements of a cell below each other: two blank lines around functions and classes, else none."""
    lines: list[str] = []
    was_block = False
    for piece in pieces:
        is_block = isinstance(piece.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        if lines and (is_block or was_block):
            lines += ["", ""]
        lines += piece.text.splitlines()
        was_block = is_block
    return "\n".join(lines)
