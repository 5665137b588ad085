"""Numbers, rows and lines as a person reads them. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flash_jupyter.quantities import read_time

#: backend -> how a person calls it
PLACES = {"local": "the local Runpod", "runpod": "Runpod"}


def duration(seconds: float) -> str:
    """Write a time span.

    >>> duration(0.0421), duration(4.25), duration(200), duration(7260)
    ('0.04 s', '4.2 s', '3 min 20 s', '2 h 1 min')
    """
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(count: int) -> str:
    """Write a number of bytes.

    >>> size(999), size(48_900_000)
    ('999 B', '48.9 MB')
    """
    if count >= 100_000:
        return f"{count / 1e6:.1f} MB"
    return f"{count / 1e3:.1f} kB" if count >= 1_000 else f"{count} B"


_OPENS_FORMULA = re.compile(r"[$\\]")


def escape(text: str) -> str:
    r"""Write a text as HTML in which no frontend finds a formula: what opens one stands in an element of its own.

    JupyterLab and nbconvert let MathJax read the HTML of outputs: between two prices it would set a formula.

    >>> escape("$2 & $3"), escape(r"\(x\)")
    ('<span>$</span>2 &amp; <span>$</span>3', '<span>\\</span>(x<span>\\</span>)')
    """
    return _OPENS_FORMULA.sub(r"<span>\g<0></span>", html.escape(text))


def shortened(text: str, most: int) -> str:
    """Cut a long text in its middle: names often differ at their ends.

    >>> shortened("flash-any-py311-ann-0ea9bd", 12), shortened("trainer", 12)
    ('flash-…0ea9bd', 'trainer')
    """
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}…{text[-half:]}"


_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def uncoloured(text: str) -> str:
    r"""Take a terminal's colours out of a text, and what its lines overwrote.

    >>> uncoloured("\x1b[31mred\x1b[0m\n10 %\r20 %\n")
    'red\n20 %\n'
    """
    lines = _ANSI.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def plural(count: int, what: str) -> str:
    """Count things.

    >>> plural(1, "open job"), plural(2, "open job")
    ('1 open job', '2 open jobs')
    """
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def money(usd: float) -> str:
    """Write an amount, with the digits that a short job needs.

    >>> money(0.00042), money(1.5)
    ('$0.0004', '$1.50')
    """
    return f"${usd:.2f}" if usd >= 1 else f"${usd:.4f}"


def age(seconds: float) -> str:
    """Write how long something has been there, in the one unit that matters.

    >>> age(4), age(150), age(7500), age(3 * 86_400), age(-2)
    ('4 s', '2 min', '2 h', '3 days', '0 s')
    """
    for unit_s, unit in ((86_400, "day"), (3_600, "h"), (60, "min")):
        count = int(seconds // unit_s)
        if count >= 1:
            return f"{count} {unit}s" if unit == "day" and count > 1 else f"{count} {unit}"
    return f"{max(0, int(seconds))} s"


def age_at(now: datetime, created_at: str | None) -> str:
    """Write how long ago an ISO time was; empty where there is none.

    >>> age_at(datetime.fromisoformat("2026-11-22T12:02:30+00:00"), "2026-11-22T12:00:00Z")
    '2 min'
    """
    moment = read_time(created_at)
    return age((now - moment).total_seconds()) if moment else ""


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Lay rows out as plain text, columns as wide as their widest value.

    >>> print(table([{"id": "fj-1", "state": "COMPLETED"}], ["id", "state"]))
    id    state
    fj-1  COMPLETED
    """
    lines = [list(columns), *([_text(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def outcome_text(backend: str, endpoint: str, worker: str | None, seconds: float, cost_usd: float | None = None) -> str:
    """Say in one line where a cell ran.

    >>> outcome_text("local", "flash-any-py311-me", "w1", 0.42)
    'ran on the local Runpod · flash-any-py311-me · worker w1 · 0.42 s'
    >>> outcome_text("runpod", "trainer", None, 75, 0.0142)
    'ran on Runpod · trainer · 1 min 15 s · $0.0142'
    """
    parts = [f"ran on {PLACES[backend]}", endpoint, f"worker {worker}" if worker else "", duration(seconds)]
    if cost_usd is not None:
        parts.append(money(cost_usd))
    return " · ".join(part for part in parts if part)


def sent_text(backend: str, endpoint: str) -> str:
    """Say in one line where a cell runs, in words that are true afterwards too.

    >>> sent_text("local", "flash-any-py311-me")
    'on the local Runpod · flash-any-py311-me'
    """
    return f"on {PLACES[backend]} · {endpoint}"


def one_line(text: str) -> dict[str, str]:
    r"""Make the mime bundle of a line, or of the few that a text has; its colour is the page's, light or dark.

    >>> one_line("a < b\nc")["text/html"]
    '<div style="font-size:90%;opacity:.75">a &lt; b<br>c</div>'
    """
    return {"text/plain": text, "text/html": faint(escape(text).replace("\n", "<br>"))}


def faint(drawn: str) -> str:
    """Draw a line beside a result, of what is HTML already.

    >>> faint("<b>made</b>")
    '<div style="font-size:90%;opacity:.75"><b>made</b></div>'
    """
    return f'<div style="font-size:90%;opacity:.75">{drawn}</div>'
