"""The cells of a notebook, or of a `.py` file in jupytext's percent format, and what each is to the build (D10).

Metadata tags say it, which JupyterLab edits without code, or `#| flash:` in a cell's first lines, which means the same
and is for diffs, for jupytext's files and where tags are hard to reach. nbdev's `#| export` means `flash:setup`.
"""

from __future__ import annotations

import difflib
import keyword
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from flash_jupyter.build.plain import Plain, make_plain
from flash_jupyter.errors import BuildError

PREFIX = "flash:"
#: names files that the bundle brings too, in a comment: `#| flash: include=data/*.csv`
_INCLUDE = "include="
_COMMENT = re.compile(r"#\s*\|\s*(?P<key>flash|export)\b:?\s*(?P<words>.*)")


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


class Role(Enum):
    """What the build does with a cell."""

    NONE = ""
    SETUP = "setup"
    INIT = "init"
    HANDLER = "handler"
    TEST = "test"
    SKIP = "skip"
    PARAMETERS = "parameters"


@dataclass(frozen=True)
class Mark:
    """The role of a cell; `name` is a handler's, empty where the cell gives none."""

    role: Role = Role.NONE
    name: str = ""

    def __str__(self) -> str:
        return f"{PREFIX}{self.role.value}" + (f":{self.name}" if self.name else "")


def read_mark(source: str, tags: Iterable[str], where: str) -> Mark:
    """Return the mark of a cell; `where` names it in errors.

    Raises `BuildError` for a role that does not exist, and for two that contradict each other.

    >>> read_mark("x", ["flash:handler:predict"], "cell 3")
    Mark(role=<Role.HANDLER: 'handler'>, name='predict')
    >>> read_mark("#| flash: handler name=predict", [], "cell 3").name
    'predict'
    """
    found = {*_from_tags(tags, where), *_from_comments(source, where)}
    named = {mark for mark in found if mark.name}
    if len(found) - len(named) == 1 and len(named) == 1 and len({mark.role for mark in found}) == 1:
        found = named  # one of the two says more
    if len(found) > 1:
        raise BuildError(
            f"{where} is marked twice, as {' and as '.join(sorted(map(str, found)))}",
            fix="keep one of the two: a tag, or a `#| flash:` comment",
        )
    return found.pop() if found else Mark()


def read_includes(source: str) -> tuple[str, ...]:
    r"""Return the patterns of files that a cell names, in order.

    >>> read_includes("#| flash: handler name=score include=labels.json,data/*.csv\nx")
    ('labels.json', 'data/*.csv')
    """
    words = [word for match in _comments(source) for word in match["words"].split() if word.startswith(_INCLUDE)]
    return tuple(pattern for word in words for pattern in word.removeprefix(_INCLUDE).split(",") if pattern)


def _from_tags(tags: Iterable[str], where: str) -> Iterator[Mark]:
    for tag in tags:
        if tag == "parameters":  # papermill's
            yield Mark(Role.PARAMETERS)
        elif tag.startswith(PREFIX):
            role, _, name = tag.removeprefix(PREFIX).partition(":")
            yield _mark(role, name, where)


def _from_comments(source: str, where: str) -> Iterator[Mark]:
    for match in _comments(source):
        if match["key"] == "export":
            yield Mark(Role.SETUP)
            continue
        words = [word for word in match["words"].split() if not word.startswith(_INCLUDE)]
        if not words and match["words"].strip():
            continue
        role, *options = words[:2] or [""]
        yield _mark(role, _name(options, where), where)


def _comments(source: str) -> Iterator[re.Match[str]]:
    """The `#|` comments of ours in the first lines of a cell."""
    for line in source.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return
        if match := _COMMENT.fullmatch(line.strip()):
            yield match


def _name(options: list[str], where: str) -> str:
    if not options:
        return ""
    key, equals, value = options[0].partition("=")
    if key != "name" or not equals:
        raise BuildError(f"{where}: `{options[0]}` is not an option of `#| flash:`", fix="write name=NAME")
    return value


def _mark(role: str, name: str, where: str) -> Mark:
    known = [each.value for each in Role if each not in (Role.NONE, Role.PARAMETERS)]
    if role not in known:
        near = difflib.get_close_matches(role, known, n=1)
        fix = f"did you mean {PREFIX}{near[0]}?" if near else f"write one of {', '.join(known)}"
        raise BuildError(f"{where} has the mark `{PREFIX}{role}`, which does not exist", fix=fix)
    if name and Role(role) is not Role.HANDLER:
        raise BuildError(f"{where}: only a handler has a name, not {PREFIX}{role}", fix=f"write {PREFIX}{role}")
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        raise BuildError(f"{where}: `{name}` can't be the name of a handler", fix="use letters, digits and _")
    return Mark(Role(role), name)
