"""Lines of ours: where a cell runs, where it ran and what it took, and whatever else is said in one line."""

from __future__ import annotations

import html
from collections.abc import Iterable

from flash_jupyter.views.format import duration, money

#: backend -> how a person calls it
PLACES = {"local": "the local Runpod", "runpod": "Runpod"}


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
    """Make the mime bundle of a line; the HTML takes its colour from the page, light or dark.

    >>> one_line("a < b")["text/html"]
    '<div style="font-size:90%;opacity:.75">a &lt; b</div>'
    """
    return {
        "text/plain": text,
        "text/html": f'<div style="font-size:90%;opacity:.75">{html.escape(text)}</div>',
    }


def lines(texts: Iterable[str]) -> dict[str, str]:
    """Make the mime bundle of several lines.

    >>> lines(["a", "b"])["text/html"]
    '<div style="font-size:90%;opacity:.75">a<br>b</div>'
    """
    bundle = one_line("\n".join(texts))
    return {**bundle, "text/html": bundle["text/html"].replace("\n", "<br>")}
