"""The cells of a notebook, or of a `.py` file in jupytext's percent format, in their order."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flash_jupyter.build.marks import Mark, Role, read_includes, read_mark
from flash_jupyter.build.plain import Plain, make_plain
from flash_jupyter.errors import BuildError


@dataclass(frozen=True)
class Cell:
    """A code cell. `number` counts code cells from 1, as a person does; `plain` is its Python, magics taken out."""

    id: str
    number: int
    source: str = field(repr=False)
    mark: Mark
    plain: Plain = field(repr=False)
    execution_count: int | None = None
    #: `metadata.flash`: options of `%%remote`, as JupyterLab stores them
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: patterns of files that it names for the bundle
    includes: tuple[str, ...] = ()

    @property
    def role(self) -> Role:
        """What the build does with it."""
        return self.mark.role

    def __str__(self) -> str:
        return f"cell {self.number}"


@dataclass(frozen=True)
class Notebook:
    """The code cells of one file."""

    name: str
    cells: tuple[Cell, ...]

    def of_role(self, *roles: Role) -> tuple[Cell, ...]:
        """Return the cells with these roles, in order."""
        return tuple(cell for cell in self.cells if cell.role in roles)


def read_notebook(path: Path) -> Notebook:
    """Read a file; nothing of it is run.

    Raises `BuildError` where it is no notebook, where a mark is wrong, and where a marked cell is not Python.
    """
    return Notebook(path.name, tuple(_cells(_read(path), has_ids=path.suffix == ".ipynb")))


def _read(path: Path) -> Any:
    import nbformat  # two seconds, for it loads the formats of jsonschema; a project may be without notebooks

    try:
        if path.suffix == ".ipynb":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of ids that are missing
                return nbformat.read(path, as_version=4)
        import jupytext  # type: ignore[import-untyped]  # half a second, needed for percent files only

        return jupytext.read(path, fmt="py:percent")
    except FileNotFoundError:
        raise BuildError(f"there is no file {path}", fix="give the path of a notebook or a project") from None
    except (OSError, ValueError, nbformat.ValidationError) as error:
        raise BuildError(
            f"{path.name} can't be read as a notebook: {error}", fix="open it in Jupyter and save it"
        ) from None


def _cells(notebook: Any, *, has_ids: bool) -> Iterator[Cell]:
    has_ids = has_ids and notebook.nbformat_minor >= 5  # ids that are made up are others at each reading
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    for number, cell in enumerate(code, 1):
        where = f"cell {number}"
        mark = read_mark(cell.source, cell.metadata.get("tags", ()), where)
        plain = make_plain(cell.source, where, is_marked=mark.role not in (Role.NONE, Role.SKIP, Role.PARAMETERS))
        yield Cell(
            str(cell.id if has_ids else number),
            number,
            cell.source,
            mark,
            plain,
            cell.get("execution_count"),
            cell.metadata.get("flash", {}),
            read_includes(cell.source),
        )
