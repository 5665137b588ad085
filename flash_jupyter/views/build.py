"""The card of `%flash build`: its steps with times while it runs, then what was built and what to do next."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flash_jupyter.views.bundle import bundle_bundle
from flash_jupyter.views.card import CARD
from flash_jupyter.views.format import age, duration

#: what may come next
NEXT = "next: %flash run serves it on this machine"


@dataclass(frozen=True)
class Step:
    """One step of a build; `seconds` are None while it runs."""

    text: str
    seconds: float | None = None


@dataclass(frozen=True)
class Source:
    """What is built: a name, and how many seconds ago its file was saved; None for a folder."""

    name: str
    saved_s: float | None = None


def building_bundle(steps: Sequence[Step], source: Source) -> dict[str, str]:
    """Draw a build that runs.

    >>> building_bundle([Step("reading nb.ipynb", 0.05), Step("packages for Python 3.12")], Source("nb.ipynb", 125)
    ...                 )["text/plain"]
    'building nb.ipynb as saved 2 min ago · packages for Python 3.12'
    """
    now = steps[-1].text if steps else "starting"
    rows = [_line(f"building {describe(source)}"), _steps(steps)]
    return {"text/plain": f"building {describe(source)} · {now}", "text/html": f"{CARD}{''.join(rows)}</div>"}


def built_bundle(built: Mapping[str, Any], steps: Sequence[Step], source: Source, here: Path) -> dict[str, str]:
    """Draw a build that is over; `built` is a bundle's `to_json`, `here` the current folder."""
    drawn, notes = bundle_bundle(built, here), [_saved_text(source), _took(steps), NEXT]
    said = [note for note in notes if note]
    return {
        "text/plain": "\n".join([drawn["text/plain"], *said]),
        "text/html": f"{CARD}{drawn['text/html']}{''.join(map(_line, said))}</div>",
    }


def failed_bundle(steps: Sequence[Step], source: Source) -> dict[str, str]:
    """Draw a build that ended with an error, which stands below.

    >>> failed_bundle([Step("reading nb.ipynb", 0.05)], Source("nb.ipynb", 4))["text/plain"]
    'nb.ipynb as saved 4 s ago was not built: it failed at reading nb.ipynb; what was built before is unchanged'
    """
    where = f"it failed at {steps[-1].text}" if steps else "it failed"
    text = f"{describe(source)} was not built: {where}; what was built before is unchanged"
    return {"text/plain": text, "text/html": f"{CARD}{_line(text)}</div>"}


def describe(source: Source) -> str:
    """Name what is built: of a notebook it is the file, not what its page shows.

    >>> describe(Source("nb.ipynb", 7300)), describe(Source("shop"))
    ('nb.ipynb as saved 2 h ago', 'shop')
    """
    return source.name if source.saved_s is None else f"{source.name} as saved {age(source.saved_s)} ago"


def _saved_text(source: Source) -> str:
    return f"of {describe(source)}; what was changed since then is not in it" if source.saved_s is not None else ""


def _took(steps: Sequence[Step]) -> str:
    times = [f"{step.text} {duration(step.seconds)}" for step in steps if step.seconds is not None]
    return f"took {' · '.join(times)}" if times else ""


def _steps(steps: Sequence[Step]) -> str:
    """Draw the steps: those that are over with their times, the one that runs in bold."""
    drawn = [
        f"<strong>{html.escape(step.text)}</strong>"
        if step.seconds is None
        else f'<span style="opacity:.75">{html.escape(step.text)} {duration(step.seconds)}</span>'
        for step in steps
    ]
    arrow = '<span style="opacity:.7"> → </span>'
    return f"<div>{arrow.join(drawn)}</div>"


def _line(text: str) -> str:
    return f'<div style="opacity:.75">{html.escape(text)}</div>'
