"""A sheet: lines and tables in their order, drawn as plain text, as HTML, or by rich in a terminal. Pure."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from flash_jupyter.views.format import one_line, table
from flash_jupyter.views.listing import STYLE, Column, listing_html

#: marks of a state: what was verified, and what was not; words beside them say it too
VERIFIED, NOT_VERIFIED = "✓", "○"
#: the key of what a row is about
NAME = "name"
#: a width that no table has
WIDEST = 100_000


@dataclass(frozen=True)
class Rows:
    """A table whose values are texts; a column that is empty in all rows is left out."""

    rows: Sequence[Mapping[str, str]]
    columns: Sequence[Column]

    @property
    def shown(self) -> list[Column]:
        """The columns that have something in them."""
        return [column for column in self.columns if any(row.get(column.key) for row in self.rows)]


#: lines of text, and tables
Sheet = Sequence[str | Rows]


def sheet_text(sheet: Sheet) -> str:
    """Write a sheet as plain text.

    >>> print(sheet_text(["shop has", Rows([{"name": "live", "n": "2"}], [Column("name", "env"), Column("n", "nr")])]))
    shop has
    env   nr
    live  2
    """
    return "\n".join(part if isinstance(part, str) else _plain(part) for part in sheet)


def sheet_bundle(sheet: Sheet) -> dict[str, str]:
    """Make the mime bundle of a sheet; everything is escaped, and colours are the page's."""
    if len(sheet) == 1 and isinstance(sheet[0], str):
        return one_line(sheet[0])
    parts = [
        f"<div>{html.escape(part)}</div>"
        if isinstance(part, str)
        else f'<div class="flash-list">{listing_html(part.rows, part.shown)}</div>'
        for part in sheet
    ]
    style = STYLE if any(isinstance(part, Rows) for part in sheet) else ""
    return {"text/plain": sheet_text(sheet), "text/html": f"{style}<div>{''.join(parts)}</div>"}


def print_sheet(sheet: Sheet, console: Console) -> None:
    """Print a sheet in a terminal as wide as it is; where it is none, as plain text that no width cuts."""
    if not console.is_terminal:
        console.file.write(f"{sheet_text(sheet)}\n")
        return
    for part in sheet:
        if isinstance(part, str):
            console.print(Text(part))
        else:
            _print_rows(part, console)


def _print_rows(part: Rows, console: Console) -> None:
    """Print a table; where it is too wide, what will be copied stands whole on lines of its own below it."""
    drawn = _rich(part.rows, part.shown)
    whole = [column for column in part.shown if column.is_whole]
    unlimited = console.options.update(width=WIDEST)
    if not whole or Measurement.get(console, unlimited, drawn).maximum <= console.width:
        console.print(drawn)
        return
    console.print(_rich(part.rows, [column for column in part.shown if not column.is_whole]))
    for row in part.rows:
        for column in whole:
            if text := row.get(column.key):
                console.print(Text(f"{row[NAME]}: {text}"), soft_wrap=True)


def _plain(part: Rows) -> str:
    titled = [{column.title: row.get(column.key) for column in part.shown} for row in part.rows]
    return table(titled, [column.title for column in part.shown])


def _rich(rows: Sequence[Mapping[str, str]], columns: Sequence[Column]) -> Table:
    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        drawn.add_column(column.title, justify="right" if column.is_number else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(row.get(column.key) or "") for column in columns))
    return drawn
