"""The Python of a cell: magics that have no effect on an exported module are dropped, others refused."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from dataclasses import dataclass, field

from flash_jupyter.errors import BuildError

#: cell magics whose body is the notebook's own Python
TRANSPARENT = frozenset({"time", "timeit", "capture", "remote", "prun"})
#: line magics that only change how the notebook looks or loads
WITHOUT_EFFECT = frozenset(
    {*("alias_magic", "autoawait", "autoreload", "colors", "config", "flash", "load_ext", "matplotlib", "notebook")}
    | {*("page", "pdb", "pinfo", "pinfo2", "pprint", "precision", "psearch", "quickref", "reload_ext", "unload_ext")}
    | {*("who", "who_ls", "whos", "xmode")}
)
_CELL_MAGIC = re.compile(r"%%(\w+)")
#: what IPython makes of a magic, a shell command, `?`
_SHELL = {"run_line_magic", "run_cell_magic", "system", "getoutput"}


@dataclass(frozen=True)
class Plain:
    """A cell as Python: its text, and the tree of it. `refused` says which magic stands in which line (from 1)."""

    text: str = ""
    tree: ast.Module = field(default_factory=lambda: ast.Module([], []), repr=False)
    refused: dict[int, str] = field(default_factory=dict)


def make_plain(source: str, where: str, *, is_marked: bool) -> Plain:
    r"""Read a cell. One that is not marked and not Python has nothing to export.

    Raises `BuildError`, where it is marked, for what is not Python and for a magic with an effect.

    >>> make_plain("%matplotlib inline\nx = 1", "cell 1", is_marked=True).text
    '\nx = 1'
    """
    try:
        text = _python(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # who runs the cell sees them
            tree = ast.parse(text)
            compile(tree, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except _NotPython as other:
        if not is_marked:
            return Plain()
        raise BuildError(f"{where} is %%{other}, which can't be exported", fix="take its mark away") from None
    except SyntaxError as error:
        if not is_marked:
            return Plain()
        line = f", line {error.lineno}" if error.lineno else ""
        raise BuildError(f"{where}{line}: {error.msg}", fix="mend the cell; nothing was built") from None
    plain = _without_magics(text, tree)
    if is_marked and plain.refused:
        line_number, magic = next(iter(plain.refused.items()))
        raise BuildError(f"{where}, line {line_number}: {magic} has no place in a module", fix=_instead_of(magic))
    return plain


class _NotPython(Exception):
    """The body of a cell magic of another language."""


def _python(source: str) -> str:
    """Transform a cell as IPython does, its transparent cell magics left out."""
    lines = source.splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is not None and (match := _CELL_MAGIC.match(lines[first])):
        if match[1] not in TRANSPARENT:
            raise _NotPython(match[1])
        lines[first] = "\n"  # line numbers stay
        return _python("".join(lines))
    from IPython.core.inputtransformer2 import TransformerManager  # half a second, for notebooks only

    # it takes leading blank lines away
    blank = len(source) - len(source.lstrip("\n"))
    text: str = TransformerManager().transform_cell(textwrap.dedent(source).lstrip("\n"))
    return "\n" * blank + text


def _without_magics(text: str, tree: ast.Module) -> Plain:
    lines, kept, refused = text.splitlines(), [], {}
    for statement in tree.body:
        magics = [magic for magic in map(_magic, ast.walk(statement)) if magic]
        if not magics:
            kept.append(statement)
        elif isinstance(statement, ast.Expr) and magics[0].removeprefix("%") in WITHOUT_EFFECT:
            for line in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
                lines[line] = ""
        else:
            refused[statement.lineno] = magics[0]
    return Plain("\n".join(lines), ast.Module(kept, []), refused)


def _magic(node: ast.AST) -> str:
    """Say what a call of `get_ipython()` stands for, empty for every other node."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=kind), args=[first, *_]
        ) if kind in _SHELL and isinstance(first, ast.Constant):
            word = str(first.value).split()[0] if str(first.value).strip() else ""
            return f"!{word}" if kind in {"system", "getoutput"} else f"%{word}"
        case ast.Name(id="get_ipython"):
            return "get_ipython()"
    return ""


def _instead_of(magic: str) -> str:
    if magic in {"%pip", "!pip", "%conda", "!conda", "%uv", "!uv"}:
        return "write the packages into requirements.txt, or deps= of its cell"
    return "do it in Python, or in a cell that is not exported"
