"""What the build would say of one cell by itself: for an editor, which shows it while the cell is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flash_jupyter.build.cells import Cell, Mark, Role, read_mark
from flash_jupyter.build.endpoint import endpoint_of, read_options
from flash_jupyter.build.plain import make_plain
from flash_jupyter.errors import BuildError, OptionError
from flash_jupyter.resources.comment import line_of

#: how the cell is called in what is said
WHERE = "this cell"


def check_cell(source: str, tags: Sequence[str], options: Any) -> list[BuildError]:
    """Return what is wrong with a cell's mark, its Python and its options (`metadata.flash`).

    >>> check_cell("x = 1", ["flash:handler:score"], {})
    []
    >>> check_cell("x = 1", ["flash:handler"], {"gpus": "any"})[0].message
    'this cell: there is no option gpus='
    """
    try:
        mark = read_mark(source, tags, WHERE)
    except BuildError as error:
        return [error]
    problems = []
    for check in (_check_python, _check_options):
        try:
            check(source, mark, options)
        except BuildError as error:
            problems.append(error)
    return problems


def _check_python(source: str, mark: Mark, _options: Any) -> None:
    if source.strip():
        make_plain(source, WHERE, is_marked=mark.role not in (Role.NONE, Role.SKIP, Role.PARAMETERS))


def _check_options(source: str, mark: Mark, options: Any) -> None:
    cell = Cell("", 1, source, mark, make_plain("", WHERE, is_marked=False), options=options)
    said = read_options(cell, WHERE)
    if mark.role is Role.HANDLER:
        endpoint_of(said, WHERE, mark.name or "handler")
    elif options and not _is_remote(source):
        raise BuildError(f"{WHERE} has options, and is no handler", fix="mark it as a handler, or empty its options")


def _is_remote(source: str) -> bool:
    try:
        return line_of(source) is not None
    except OptionError:
        return True
