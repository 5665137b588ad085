"""What `flash build` shows: in a notebook a card with its steps, what was built, and what a preview found out."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flash_jupyter.views.card import CARD
from flash_jupyter.views.format import age, duration, size
from flash_jupyter.views.listing import table_bundle

#: what may come next
NEXT = "next: %flash run serves it on this machine"
#: of what a preview found out about each function
COLUMNS = ("function", "state", "how", "text")


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


def bundle_text(built: Mapping[str, Any], here: Path) -> str:
    """Say what was built; `here` is the current folder.

    >>> queue = {"kind": "queue", "hardware": "cpu3g-2-8", "serves": ["double", "Counter"]}
    >>> built = {"project": "shop", "python": "3.11", "archive": "/w/.flash/artifact.tar.gz", "size_bytes": 45_000}
    >>> print(bundle_text({**built, "resources": {"numbers": queue}, "notes": []}, Path("/w")))
    built shop for Python 3.11: .flash/artifact.tar.gz, 45.0 kB
      numbers  queue on cpu3g-2-8  double, Counter
    """
    rows = [
        (name, f"{each['kind']} on {each['hardware']}", ", ".join(each["serves"]))
        for name, each in built["resources"].items()
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    lines = [f"  {name:<{widths[0]}}  {kind:<{widths[1]}}  {serves}" for name, kind, serves in rows]
    return "\n".join([_headline(built, here), *lines, *built["notes"]])


def bundle_bundle(built: Mapping[str, Any], here: Path) -> dict[str, str]:
    """Make the mime bundle of a build."""
    rows = "".join(
        f"<tr><td><b>{html.escape(name)}</b></td>"
        f"<td>{html.escape(each['kind'])} on {html.escape(each['hardware'])}</td>"
        f'<td style="text-align:left">{html.escape(", ".join(each["serves"]))}</td></tr>'
        for name, each in built["resources"].items()
    )
    notes = "".join(f'<div style="opacity:.75">{html.escape(note)}</div>' for note in built["notes"])
    return {
        "text/plain": bundle_text(built, here),
        "text/html": f"<div>{html.escape(_headline(built, here))}<table>{rows}</table>{notes}</div>",
    }


def _headline(built: Mapping[str, Any], here: Path) -> str:
    archive = Path(built["archive"])
    shown = archive.relative_to(here) if archive.is_relative_to(here) else archive
    return f"built {built['project']} for Python {built['python']}: {shown}, {size(built['size_bytes'])}"


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
