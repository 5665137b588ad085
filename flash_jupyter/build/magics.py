"""`%%remote` cells as handler cells, for who asks for it: `flash build --from-magics`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from flash_jupyter.build.cells import Cell, Notebook
from flash_jupyter.build.endpoint import function_name, read_options
from flash_jupyter.build.marks import Mark, Role
from flash_jupyter.build.plain import make_plain
from flash_jupyter.errors import BuildError, OptionError
from flash_jupyter.resources.comment import line_of


def magic_cells(notebook: Notebook) -> tuple[Cell, ...]:
    """Return the cells that run on a worker and have no mark: `%%remote`, or `#| remote:` in their first lines."""
    return tuple(cell for cell in notebook.of_role(Role.NONE) if _has_line(cell, f"{cell} of {notebook.name}"))


def with_magics(notebook: Notebook) -> Notebook:
    """Return the notebook with these cells marked as handlers.

    One has the name of its endpoint where no other has, or is called `cell_NUMBER`. Cells that say `local` or `dry`
    send nothing, and stay what they are. Raises `BuildError`.
    """
    cells = [(cell, read_options(cell, f"{cell} of {notebook.name}")) for cell in magic_cells(notebook)]
    sent = [(cell, function_name(options)) for cell, options in cells if not options.local and not options.dry]
    names = Counter(name for _, name in sent)
    chosen: dict[int, Cell] = {}
    for cell, name in sent:
        mark = Mark(Role.HANDLER, name if name and names[name] == 1 else f"cell_{cell.number}")
        plain = make_plain(cell.source, f"{cell} of {notebook.name}", is_marked=True)
        chosen[cell.number] = replace(cell, mark=mark, plain=plain)
    return replace(notebook, cells=tuple(chosen.get(cell.number, cell) for cell in notebook.cells))


def _has_line(cell: Cell, where: str) -> bool:
    try:
        return line_of(cell.source) is not None
    except OptionError as error:
        raise BuildError(f"{where}: {error.message}", fix=error.fix) from None
