"""A sheet: lines and tables in their order, drawn as plain text or as HTML. Pure.

Rows come with the words and units that a person reads; colours are the page's. A terminal that is wide enough has them
drawn by rich (`cli/terminal.py`).
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flash_jupyter.views.format import escape, one_line, shortened, table

#: of a cell in HTML; a pointer over it shows all
CELL_CHARACTERS = 40

#: state -> the page's colour for its dot; others have the text's own, faint
DOTS = {
    "running": "var(--jp-brand-color1, currentColor)",
    "IN_PROGRESS": "var(--jp-brand-color1, currentColor)",
    "ready": "var(--jp-success-color1, currentColor)",
    "COMPLETED": "var(--jp-success-color1, currentColor)",
    "verified": "var(--jp-success-color1, currentColor)",
    "starting": "var(--jp-warn-color1, currentColor)",
    "queued": "var(--jp-warn-color1, currentColor)",
    "IN_QUEUE": "var(--jp-warn-color1, currentColor)",
    "no capacity": "var(--jp-warn-color1, currentColor)",
    "unhealthy": "var(--jp-error-color1, currentColor)",
    "FAILED": "var(--jp-error-color1, currentColor)",
    "TIMED_OUT": "var(--jp-error-color1, currentColor)",
}
#: of our tables only; the name stands twice to go before Jupyter's rules, which align all cells to the right
STYLE = """\
<style>
.flash-list {overflow-x: auto}
.flash-list.flash-list table {border-collapse: collapse; margin: 0 0 .8em; font-size: 90%; width: auto}
.flash-list.flash-list th, .flash-list.flash-list td {text-align: left; padding: .3em 1.4em .3em 0; border: none;
  white-space: nowrap}
.flash-list.flash-list th {font-weight: 400; opacity: .75}
.flash-list.flash-list td {border-top: 1px solid var(--jp-border-color2, rgba(128, 128, 128, .25))}
.flash-list.flash-list .w {white-space: normal; overflow-wrap: anywhere; min-width: 12em}
.flash-list.flash-list .n {text-align: right; font-variant-numeric: tabular-nums}
.flash-list.flash-list tbody tr:nth-child(n) {background: none}
</style>"""


@dataclass(frozen=True)
class Column:
    """A column of a table: which value, under which title; `hint` names the value that a pointer over it shows.

    A long value is cut in HTML, unless it is one that is read or copied there (`is_whole`).
    """

    key: str
    title: str
    is_number: bool = False
    hint: str = ""
    is_whole: bool = False


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


def columns(*keys: str, whole: Sequence[str] = ()) -> tuple[Column, ...]:
    """Return columns whose titles are their keys; those in `whole` are not cut."""
    return tuple(Column(key, key, is_whole=key in whole) for key in keys)


def listing(rows: Sequence[Mapping[str, str]], shown: Sequence[Column], *, empty: str) -> Sheet:
    """Return a table as a sheet; `empty` is said where there is nothing to list."""
    return [Rows(rows, shown)] if rows else [empty]


def sheet_text(sheet: Sheet) -> str:
    """Write a sheet as plain text.

    >>> print(sheet_text(["shop has", Rows([{"name": "live", "n": "2"}], [Column("name", "env"), Column("n", "nr")])]))
    shop has
    env   nr
    live  2
    """
    return "\n".join(part if isinstance(part, str) else _plain(part) for part in sheet)


def sheet_bundle(sheet: Sheet) -> dict[str, str]:
    """Make the mime bundle of a sheet."""
    texts = [part for part in sheet if isinstance(part, str)]
    if len(texts) == len(sheet):
        return one_line("\n".join(texts))
    return {"text/plain": sheet_text(sheet), "text/html": f"{STYLE}<div>{sheet_html(sheet)}</div>"}


def sheet_html(sheet: Sheet) -> str:
    """Draw a sheet, everything escaped; its tables take `STYLE`."""
    return "".join(
        f'<div style="white-space:pre-wrap">{escape(part)}</div>'
        if isinstance(part, str)
        else _table(part.rows, part.shown)
        for part in sheet
    )


def json_bundle(document: Mapping[str, Any]) -> dict[str, Any]:
    """Make the mime bundle of a listing for programs; its text is the same JSON."""
    return {"application/json": document, "text/plain": json.dumps(document, indent=1)}


def _plain(part: Rows) -> str:
    titled = [{column.title: row.get(column.key) for column in part.shown} for row in part.rows]
    return table(titled, [column.title for column in part.shown])


def _table(rows: Sequence[Mapping[str, str]], columns: Sequence[Column]) -> str:
    head = "".join(f"<th{_class(column)}>{escape(column.title)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(_cell(row, column) for column in columns)}</tr>" for row in rows)
    return f'<div class="flash-list"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(row: Mapping[str, str], column: Column) -> str:
    text = row.get(column.key) or ""
    title = f"{text} · {row[column.hint]}" if row.get(column.hint) else text
    dot = ""
    if column.key == "state" and text:
        seen = "FAILED" if text.startswith("raised ") else text
        dot = f'<span style="color:{DOTS.get(seen, "inherit")};opacity:{1 if seen in DOTS else 0.75}">●</span> '
    shown = escape(text if column.is_whole else shortened(text, CELL_CHARACTERS))
    return f'<td{_class(column)} title="{html.escape(title)}">{dot}{shown}</td>'


def _class(column: Column) -> str:
    return ' class="n"' if column.is_number else ' class="w"' if column.is_whole else ""
