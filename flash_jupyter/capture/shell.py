"""Names inside magics and shell lines, which are strings by the time Python sees them.

IPython expands `$name` and `{expression}` in them from the notebook, and some magics (`%time`, `%%capture`...) run
their text as Python. All of it counts, but an expanded name is never an undefined one: `$HOME` is the shell's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter

#: magics whose line or body is Python, run in the notebook's namespace
PYTHON_MAGICS = frozenset({"capture", "memit", "mprun", "prun", "time", "timeit"})
#: magics that bind names which nobody can know beforehand
BINDING_MAGICS = frozenset({"capture", "load", "macro", "pylab", "recall", "rerun", "run", "store"})
#: magics whose line names objects: `obj?` is `%pinfo obj`
NAMING_MAGICS = frozenset({"pdef", "pdoc", "pfile", "pinfo", "pinfo2", "psource", "who", "whos"})

_MAGIC_CALLS = frozenset({"run_line_magic", "run_cell_magic", "magic"})
_SHELL_CALLS = frozenset({"system", "getoutput", "getoutputs"})
_DOLLAR = re.compile(r"\$(?:\{)?([A-Za-z_]\w*)")
_OPTION = re.compile(r"\s*(-\w+(\s*\d+)?\s+)*")


@dataclass(frozen=True)
class ShellCall:
    """What a `get_ipython()` call hides: `names` it may read, `code` that it runs, whether it binds unknown names."""

    names: frozenset[str] = frozenset()
    code: str = ""
    binds_unknown: bool = False


def read_call(node: ast.Call) -> ShellCall | None:
    """Look into a call of `get_ipython()`; None for any other call, and where the text is not a literal."""
    function = node.func
    if not (isinstance(function, ast.Attribute) and _is_shell(function.value)):
        return None
    texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if function.attr in _SHELL_CALLS and texts:
        return ShellCall(names=frozenset(_expanded(texts[0])))
    if function.attr in _MAGIC_CALLS and texts:
        return _read_magic(texts[0], texts[1:], is_cell=function.attr == "run_cell_magic")
    return None


def _is_shell(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_ipython"


def _read_magic(magic: str, texts: list[str], *, is_cell: bool) -> ShellCall:
    line, body = [*texts, "", ""][:2]
    if magic in PYTHON_MAGICS:
        code = f"\n{body}" if is_cell else line[_end_of_options(line) :]
        return ShellCall(frozenset(_expanded(line)), code, binds_unknown=magic in BINDING_MAGICS)
    named = re.findall(r"[A-Za-z_]\w*", line)[:1] if magic in NAMING_MAGICS else []
    return ShellCall(names=frozenset([*_expanded(line), *named]), binds_unknown=magic in BINDING_MAGICS)


def _end_of_options(line: str) -> int:
    match = _OPTION.match(line)
    return match.end() if match else 0


def _expanded(text: str) -> Iterator[str]:
    yield from _DOLLAR.findall(text)
    try:
        fields = [field for _, field, _, _ in Formatter().parse(text) if field]
    except ValueError:  # unbalanced braces: IPython leaves the text as it is
        return
    for field in fields:
        yield from _names_in(field)


def _names_in(expression: str) -> Iterator[str]:
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError:
        return
    yield from (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
