"""The card of a preview in a notebook: what it does while it runs, then whether each function gives what it should."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from flash_jupyter.views.card import CARD
from flash_jupyter.views.listing import table_bundle

COLUMNS = ("function", "state", "how", "text")


def previewing_bundle(name: str, text: str) -> dict[str, str]:
    """Draw a preview that runs; `text` is what it does now.

    >>> previewing_bundle("scores", "starting a worker of each resource")["text/plain"]
    'preview of scores · starting a worker of each resource'
    """
    said = f"preview of {name} · {text}"
    return {"text/plain": said, "text/html": f"{CARD}{_line(said)}</div>"}


def previewed_bundle(name: str, verdicts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Draw what was found out about each function; `verdicts` have the keys of `COLUMNS`."""
    drawn = table_bundle(verdicts, COLUMNS, empty="it serves nothing")
    said = f"preview of {name}, on the embedded Runpod; its endpoints are removed again"
    return {
        "text/plain": f"{drawn['text/plain']}\n{said}",
        "text/html": f"{CARD}{drawn['text/html']}{_line(said)}</div>",
    }


def stopped_bundle(name: str) -> dict[str, str]:
    """Draw a preview that ended with an error, which stands below.

    >>> stopped_bundle("scores")["text/plain"]
    'preview of scores · stopped; its endpoints are removed again'
    """
    return previewing_bundle(name, "stopped; its endpoints are removed again")


def _line(text: str) -> str:
    return f'<div style="opacity:.75">{html.escape(text)}</div>'
