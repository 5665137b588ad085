"""What one notebook serves: its handler cells and `@remote` functions, and the modules that are written of them.

Functions of one endpoint share a module, so that what `flash:init` cells load is loaded once a worker; functions of
another endpoint have a module of their own, so that no worker loads what only others need.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from flash_jupyter.build.cells import Cell, Mark, Notebook, Role
from flash_jupyter.build.endpoint import endpoint_of, function_name, read_options
from flash_jupyter.build.evaluate import Evaluator
from flash_jupyter.build.interface import Interface, read_interface
from flash_jupyter.build.manifest import Function
from flash_jupyter.build.module import write_shared
from flash_jupyter.build.pieces import Piece
from flash_jupyter.build.plain import make_plain
from flash_jupyter.build.project import Export
from flash_jupyter.build.scan import declared
from flash_jupyter.build.slice import SOURCES, Slice, Slicer
from flash_jupyter.build.text import notebook_text
from flash_jupyter.capture.names import analyse
from flash_jupyter.errors import BuildError, OptionError
from flash_jupyter.resources.comment import line_of
from flash_jupyter.resources.options import RemoteOptions

#: begins the names of the modules that are written of notebooks, which so hide no other module
PREFIX = "notebook_"


@dataclass(frozen=True)
class Served:
    """One function with what it needs; `handler` where it is a cell."""

    export: Export
    pieces: tuple[Piece, ...]
    handler: tuple[Slice, Interface] | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.export.function.name


def read_exports(notebook: Notebook, evaluator: Evaluator) -> tuple[list[Export], dict[str, str], list[str]]:
    """Return what a notebook serves, its modules, name -> text, and what is to be said of it.

    Raises `BuildError` for what can't be exported, with the cell and what to do.
    """
    text = notebook_text(notebook, notebook.of_role(*SOURCES, Role.HANDLER))
    found = list(declared(text, evaluator))
    for each in found:
        if each.statement.cell is not None and each.statement.cell.role is Role.HANDLER:
            raise BuildError(
                f"{each.where} is a handler and defines the remote function `{each.function.name}`",
                fix=f"define `{each.function.name}` in a cell of its own",
            )
    slicer = Slicer(notebook, frozenset(name for label, name in evaluator.used if label == text.label))
    served = [
        Served(each.export(), slicer.slice_of(each.function.name, each.statement.cell))
        for each in found
        if each.statement.cell is not None
    ]
    served += _handlers(notebook, slicer)
    return *_write(served, slicer, notebook.name), [*_told_of_unmade(notebook, served)]


def _told_of_unmade(notebook: Notebook, served: list[Served]) -> Iterator[str]:
    """Say which inputs are made by no cell, or by `flash:skip` cells only: a misspelt name is one too."""
    makers: dict[str, list[Cell]] = {}
    for cell in notebook.cells:
        for name in analyse(cell.plain.text).binds:
            makers.setdefault(name, []).append(cell)
    for each in served:
        if each.handler is None:
            continue
        found = each.handler[0]
        for name in found.inputs:
            others = [cell for cell in makers.get(name, ()) if cell.number != found.handler.number]
            if all(cell.role is Role.SKIP for cell in others):
                why = f"only {others[-1]} makes, which is flash:skip" if others else "no other cell makes"
                yield f"{each.export.where} reads `{name}`, which {why}: an input, which every request has to give"


def _handlers(notebook: Notebook, slicer: Slicer) -> Iterator[Served]:
    for cell, options in _named(notebook):
        where = f"{cell} of {notebook.name}"
        found = slicer.slice(cell)
        interface = _with_outputs(read_interface(found), cell, options, where)
        resource = endpoint_of(options, where, f"{_stem(notebook.name)}-{interface.name}")
        function = Function(
            name=interface.name,
            module="",
            is_async=interface.is_async,
            input_schema=interface.input_schema(),
            output_schema=interface.output_schema(),
            doc=comment_of(cell.source),
            parameters=list(interface.inputs),
            http_method="POST" if resource.is_load_balanced else None,
            http_path=f"/{interface.name}" if resource.is_load_balanced else None,
        )
        export = Export(function, resource, where, options.deps, options.apt)
        yield Served(export, found.pieces, (found, interface))


def _named(notebook: Notebook) -> Iterator[tuple[Cell, RemoteOptions]]:
    """The handler cells, each with a name, and their options.

    One without a name is called as its endpoint is, or `handler` where it is the only one.
    """
    cells = [(cell, read_options(cell, f"{cell} of {notebook.name}")) for cell in notebook.of_role(Role.HANDLER)]
    names = [cell.mark.name or function_name(options) for cell, options in cells]
    unnamed = [cell for (cell, _), name in zip(cells, names, strict=True) if not name]
    if len(unnamed) > 1:
        listed = f"{', '.join(str(cell) for cell in unnamed[:-1])} and {unnamed[-1]}"
        raise BuildError(
            f"{listed} of {notebook.name} are handlers without a name", fix="tag them flash:handler:NAME, each its own"
        )
    for (cell, options), name in zip(cells, names, strict=True):
        yield replace(cell, mark=Mark(Role.HANDLER, name or "handler")), options


def _with_outputs(interface: Interface, cell: Cell, options: RemoteOptions, where: str) -> Interface:
    """`out=` of a cell says what it returns, deployed too."""
    if options.out is None:
        return interface
    names = analyse(cell.plain.text)
    for name in options.out:
        if name not in names.binds and name not in names.reads:
            raise BuildError(f"{where}: out={name}, and the cell has no `{name}`", fix="give names that it binds")
    return replace(interface, outputs=options.out)


def _write(served: list[Served], slicer: Slicer, notebook: str) -> tuple[list[Export], dict[str, str]]:
    """Put functions of one endpoint into one module, as far as their names agree."""
    modules: list[list[Served]] = []
    for each in served:
        home = next((module for module in modules if all(_may_join(each, other) for other in module)), None)
        if home is None:
            modules.append([each])
        else:
            home.append(each)
    exports, texts = [], {}
    for module in modules:
        name = module_of(notebook)
        if len(modules) > 1:
            name += f"_{module[0].name}"
        pieces = slicer.in_order(piece for each in module for piece in each.pieces)
        handlers = [each.handler for each in module if each.handler]
        texts[name] = write_shared([each.name for each in module], pieces, handlers, notebook)
        exports += [
            replace(each.export, function=each.export.function.model_copy(update={"module": name})) for each in module
        ]
    return exports, texts


def _may_join(one: Served, other: Served) -> bool:
    """Whether two functions may share a module: the same endpoint, and no name that means two things."""
    return one.export.resource == other.export.resource and _agree(one, other) and _agree(other, one)


def _agree(one: Served, other: Served) -> bool:
    """Whether what `one` needs means the same beside `other`."""
    mine, others = _makers(one), _makers(other)
    if one.handler and one.name in others:
        return False
    return all(mine[name] == others[name] for name in mine.keys() & others.keys())


def _makers(served: Served) -> dict[str, list[int]]:
    """Which statements bind each name."""
    found: dict[str, list[int]] = {}
    for piece in served.pieces:
        for name in piece.names.binds:
            found.setdefault(name, []).append(id(piece))
    return found


def comment_of(source: str) -> str | None:
    r"""Return what the comment at the top of a cell says, which is what a docstring is to a function.

    >>> comment_of("#| flash: handler name=score\n# How warm a text is.\nscore = 1  # of 10")
    'How warm a text is.'
    """
    said = []
    for line in source.strip().splitlines():
        if not line.startswith("#"):
            break
        if not line.lstrip("# ").startswith("|"):
            said.append(line.lstrip("#").strip())
    return "\n".join(said).strip() or None


def module_of(notebook: str) -> str:
    """Return the name of a notebook's module; where it has several, this begins their names.

    >>> module_of("scores.ipynb")
    'notebook_scores'
    """
    return PREFIX + _stem(notebook)


def _stem(notebook: str) -> str:
    """The part of a module's name that tells its notebook.

    >>> _stem("a/01-train.ipynb")
    'a_01_train'
    """
    return re.sub(r"\W", "_", notebook.rpartition(".")[0])


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
