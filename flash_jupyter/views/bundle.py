"""What `flash build` shows: where the artifact is, how large, and what each of its resources serves."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flash_jupyter.views.format import size


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
