"""The error of a project in which nothing is to be served: what was looked at, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flash_jupyter.build.ignore import Ignore
from flash_jupyter.errors import BuildError

#: how many names a message has
_LISTED = 6
_MARKS = ("@remote", ".remote(", "flash:", "| flash")


def no_functions(name: str, root: Path, ignore: Ignore, looked_at: Iterable[str], magics: Iterable[str]) -> BuildError:
    """Return the error for a project without remote functions; `magics` names notebooks with `%%remote` cells."""
    hidden = [
        f"{path.relative_to(root).as_posix()} ({ignore.rule(path.relative_to(root).as_posix())})"
        for path in ignore.excluded()
        if path.suffix in (".py", ".ipynb") and _may_serve(path)
    ]
    if hidden:
        return BuildError(
            f"the ignore files keep all remote functions of {name} away: {_list(hidden)}",
            fix="take that rule out, or take the file back with !FILE in .flashignore",
        )
    seen = list(looked_at)
    if not seen:
        return BuildError(
            f"{name} has no Python file and no notebook", fix="give the path of a notebook, a Python file or a project"
        )
    cells = list(magics)
    if cells:
        return BuildError(
            f"{name} has no remote functions, but %%remote cells: {_list(cells)}",
            fix="flash build --from-magics serves these; or tag a cell flash:handler",
        )
    return BuildError(
        f"{name} has no remote functions; looked at {_list(seen)}",
        fix="put @remote above a function, or tag a cell of a notebook flash:handler",
    )


def _may_serve(path: Path) -> bool:
    text = path.read_bytes()
    return any(mark.encode() in text for mark in _MARKS)


def _list(names: list[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
