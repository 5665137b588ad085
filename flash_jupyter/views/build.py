"""What `flash build` shows: in a notebook a card with its steps, what was built, and what a preview found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flash_jupyter.views.card import CARD
from flash_jupyter.views.format import age, size
from flash_jupyter.views.progress import Step, took_text
from flash_jupyter.views.sheet import STYLE, Rows, Sheet, columns, listing, sheet_html, sheet_text

#: what may come next
NEXT = "next: %flash run serves it on this machine"
RESOURCE_COLUMNS = columns("resource", "runs as", "serves", whole=("serves",))
VERDICT_COLUMNS = columns("function", "state", "how", "text", whole=("text",))


@dataclass(frozen=True)
class Source:
    """What is built: a name, and how many seconds ago its file was saved; None for a folder."""

    name: str
    saved_s: float | None = None


def built_bundle(built: Mapping[str, Any], steps: Sequence[Step], source: Source, here: Path) -> dict[str, str]:
    """Draw a build that is over; `built` is a bundle's `to_json`, `here` the current folder."""
    notes = [_saved_text(source), took_text(steps), NEXT]
    return _card([*built_sheet(built, here), *(note for note in notes if note)])


def failed_bundle(steps: Sequence[Step], source: Source) -> dict[str, str]:
    """Draw a build that ended with an error, which stands below.

    >>> failed_bundle([Step("reading nb.ipynb", 0.05)], Source("nb.ipynb", 4))["text/plain"]
    'nb.ipynb as saved 4 s ago was not built: it failed at reading nb.ipynb; what was built before is unchanged'
    """
    where = f"it failed at {steps[-1].name}" if steps else "it failed"
    return _card([f"{describe(source)} was not built: {where}; what was built before is unchanged"])


def built_sheet(built: Mapping[str, Any], here: Path) -> Sheet:
    """Say what was built; `here` is the current folder.

    >>> queue = {"kind": "queue", "hardware": "cpu3g-2-8", "serves": ["double", "Counter"]}
    >>> built = {"project": "shop", "python": "3.11", "archive": "/w/.flash/artifact.tar.gz", "size_bytes": 45_000}
    >>> print(sheet_text(built_sheet({**built, "resources": {"numbers": queue}, "notes": []}, Path("/w"))))
    built shop for Python 3.11: .flash/artifact.tar.gz, 45.0 kB
    resource  runs as             serves
    numbers   queue on cpu3g-2-8  double, Counter
    """
    archive = Path(built["archive"])
    shown = archive.relative_to(here) if archive.is_relative_to(here) else archive
    rows = [
        {"resource": name, "runs as": f"{each['kind']} on {each['hardware']}", "serves": ", ".join(each["serves"])}
        for name, each in built["resources"].items()
    ]
    head = f"built {built['project']} for Python {built['python']}: {shown}, {size(built['size_bytes'])}"
    return [head, Rows(rows, RESOURCE_COLUMNS), *built["notes"]]


def previewed_bundle(name: str, verdicts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Draw what a preview found out about each function; `verdicts` have the keys of `VERDICT_COLUMNS`."""
    said = f"preview of {name}, on the embedded Runpod; its endpoints are removed again"
    return _card([*listing(verdicts, VERDICT_COLUMNS, empty="it serves nothing"), said])


def stopped_bundle(name: str) -> dict[str, str]:
    """Draw a preview that ended with an error, which stands below.

    >>> stopped_bundle("scores")["text/plain"]
    'preview of scores · stopped; its endpoints are removed again'
    """
    return _card([f"preview of {name} · stopped; its endpoints are removed again"])


def describe(source: Source) -> str:
    """Name what is built: of a notebook it is the file, not what its page shows.

    >>> describe(Source("nb.ipynb", 7300)), describe(Source("shop"))
    ('nb.ipynb as saved 2 h ago', 'shop')
    """
    return source.name if source.saved_s is None else f"{source.name} as saved {age(source.saved_s)} ago"


def _saved_text(source: Source) -> str:
    return f"of {describe(source)}; what was changed since then is not in it" if source.saved_s is not None else ""


def _card(sheet: Sheet) -> dict[str, str]:
    return {"text/plain": sheet_text(sheet), "text/html": f"{CARD}{STYLE}{sheet_html(sheet)}</div>"}
