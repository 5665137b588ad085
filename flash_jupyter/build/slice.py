"""What a handler needs of its notebook: names are followed from it back through the cells; nothing is run (D10).

What counts as code: imports, functions and classes wherever they stand, whatever `flash:setup` and `flash:init` cells
bind, and literals that this code reads. Every other name that the handler cell itself reads is one of its inputs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from flash_jupyter.build.cells import Cell, Notebook, Role
from flash_jupyter.build.pieces import Kind, Piece, changes, pieces_of
from flash_jupyter.capture.names import CellNames, analyse
from flash_jupyter.errors import BuildError

#: whose statements can be exported; what a handler or a test binds, no other cell may count on
SOURCES = (Role.NONE, Role.SETUP, Role.INIT, Role.PARAMETERS)
#: names that every module has
MODULE_NAMES = frozenset({"__name__", "__doc__", "__file__", "__builtins__", "__annotations__"})


@dataclass(frozen=True)
class Slice:
    """What is exported for one handler: statements in the order of the notebook, and the handler's inputs.

    `defaults` has the statement that binds an input to a literal, for the inputs that have one.
    """

    handler: Cell
    pieces: tuple[Piece, ...]
    inputs: tuple[str, ...]
    defaults: dict[str, Piece] = field(default_factory=dict)


class Slicer:
    """Follows names through one notebook; `configuration` are names of endpoints and of what describes them."""

    def __init__(self, notebook: Notebook, configuration: frozenset[str] = frozenset()) -> None:
        self._notebook, self._configuration = notebook, configuration
        self._all = [piece for cell in notebook.of_role(*SOURCES) for piece in pieces_of(cell)]
        self._place = {id(piece): number for number, piece in enumerate(self._all)}
        self._binders: dict[str, list[Piece]] = defaultdict(list)
        for piece in self._all:
            for name in piece.names.binds:
                self._binders[name].append(piece)

    def slice(self, handler: Cell) -> Slice:
        """Return what `handler` needs.

        Raises `BuildError` for a name that no exported code makes, and for `from x import *` in exported cells.
        """
        self._refuse_stars()
        read = analyse(handler.plain.text)
        self._refuse_notebook_only(handler, read)
        # a constant that also describes an endpoint is an input nevertheless
        code = {name for name in {*read.reads, *read.builtins} if any(p.is_code for p in self._binders.get(name, ()))}
        inputs = tuple(name for name in read.reads if name not in code and name not in MODULE_NAMES)
        found = self._follow(code, handler)
        defaults = {name: piece for name in inputs if (piece := self._default(name, handler)) is not None}
        return Slice(handler, self.in_order(found), inputs, defaults)

    def slice_of(self, name: str, cell: Cell) -> tuple[Piece, ...]:
        """Return what the function or class `name` of a cell is, with all that it needs.

        Raises `BuildError` as `slice` does.
        """
        self._refuse_stars()
        return self.in_order(self._follow([name], cell))

    def in_order(self, pieces: Iterable[Piece]) -> tuple[Piece, ...]:
        """Return statements in the order of the notebook, each once."""
        return tuple(sorted({id(piece): piece for piece in pieces}.values(), key=self._order))

    def _follow(self, names: Iterable[str], handler: Cell) -> list[Piece]:
        """Return the statements that make these names, and all that they need in turn."""
        found: dict[int, Piece] = {}
        waiting = [piece for name in sorted(names) for piece in self._makers(name, handler, self._code_binders(name))]
        waiting += [*self._effects(Role.SETUP), *self._lonely_effects()]
        while waiting:
            piece = waiting.pop()
            if id(piece) in found:
                continue
            found[id(piece)] = piece
            for name in sorted(piece.needs - MODULE_NAMES):
                waiting += self._of_code(name, piece, handler)
            if piece.cell.role is Role.INIT:
                waiting += self._effects(Role.INIT, piece.cell)
        self._refuse_stale(found.values())
        return list(found.values())

    def _of_code(self, name: str, reader: Piece, handler: Cell) -> list[Piece]:
        """Return the statements that make a name which exported code reads."""
        binders = self._code_binders(name) or [
            piece for piece in self._binders.get(name, ()) if piece.kind is Kind.CONSTANT
        ]
        if binders:
            earlier = [piece for piece in binders if piece is not reader]
            return self._makers(name, reader.cell if name in reader.names.binds else handler, earlier or binders)
        if name in reader.names.builtins:
            self._refuse_notebook_only(reader.cell, reader.names, reader.line)
            return []
        raise self._missing(name, reader)

    def _makers(self, name: str, reader: Cell, binders: list[Piece]) -> list[Piece]:
        """Return the last statement before the reader that binds the name, and those whose work it goes on with."""
        before = [piece for piece in binders if piece.cell.number <= reader.number]
        last = before[-1] if before else binders[0]
        earlier = [piece for piece in binders if self._order(piece) < self._order(last)]
        goes_on = name in last.needs and last.kind is not Kind.DEFINITION
        return [last, *(self._makers(name, reader, earlier) if goes_on and earlier else [])]

    def _code_binders(self, name: str) -> list[Piece]:
        return [piece for piece in self._binders.get(name, ()) if self._is_code(piece)]

    def _is_code(self, piece: Piece) -> bool:
        return piece.is_code or not self._configuration.isdisjoint(piece.names.binds)

    def _effects(self, role: Role, cell: Cell | None = None) -> list[Piece]:
        """What the cells of this role, or one of them, do beside binding names."""
        return [
            piece
            for piece in self._all
            if piece.kind is Kind.EFFECT and piece.cell.role is role and (cell is None or piece.cell is cell)
        ]

    def _lonely_effects(self) -> list[Piece]:
        """The work of `flash:init` cells that bind nothing: they are there for nothing else."""
        binding = {piece.cell.number for piece in self._all if piece.kind is not Kind.EFFECT}
        return [piece for piece in self._effects(Role.INIT) if piece.cell.number not in binding]

    def _default(self, name: str, handler: Cell) -> Piece | None:
        binders = self._binders.get(name, [])
        before = [piece for piece in binders if piece.cell.number < handler.number] or binders
        return before[-1] if before and before[-1].kind is Kind.CONSTANT else None

    def _order(self, piece: Piece) -> int:
        return self._place[id(piece)]

    def _missing(self, name: str, reader: Piece) -> BuildError:
        line = {**reader.names.reads, **reader.names.builtins}.get(name, 1) + reader.line - 1
        what = f"`{name}`, which {reader.cell} reads in line {line},"
        makers = self._binders.get(name)
        if makers:
            cell = makers[-1].cell
            return BuildError(
                f"{what} is made by {cell}, which is not exported",
                fix=f"tag {cell} flash:init (it runs once a worker), or flash:setup where it is cheap",
            )
        other = [cell for cell in self._notebook.cells if name in analyse(cell.plain.text).binds]
        if other:
            raise BuildError(
                f"{what} is made by {other[-1]}, which is a {other[-1].role.value} cell",
                fix="make it in a cell tagged flash:setup or flash:init, which handlers share",
            )
        return BuildError(f"{what} is made by no cell", fix="define it in a cell, and tag that cell flash:setup")

    def _refuse_notebook_only(self, cell: Cell, names: CellNames, first_line: int = 1) -> None:
        """Only a notebook has `display` without an import."""
        if "display" in names.builtins and not self._binders.get("display"):
            raise BuildError(
                f"{cell}, line {names.builtins['display'] + first_line - 1}: only a notebook has `display` by itself",
                fix="leave it out of what is exported: a deployed function has nobody to show it to",
            )

    def _refuse_stale(self, exported: Iterable[Piece]) -> None:
        """An object that a cell changes which is not exported would have another value over there."""
        names = {name for piece in exported for name in piece.names.binds}
        for piece in self._all:
            if not self._is_code(piece) and (name := changes(piece.node)) in names:
                raise BuildError(
                    f"{piece.cell} changes `{name}` in line {piece.line}, and is not exported",
                    fix=f"tag {piece.cell} flash:setup, or give `{name}` its last value where it is made",
                )

    def _refuse_stars(self) -> None:
        for piece in self._all:
            if piece.names.stars and self._is_code(piece):
                module = min(piece.names.stars)
                raise BuildError(
                    f"{piece.cell}, line {piece.line}: nobody can say which names `from {module} import *` brings",
                    fix="import what you need of it by name",
                )
