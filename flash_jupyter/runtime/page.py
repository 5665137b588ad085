"""The state of all children for a browser: one small page, light or dark as the browser is."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

_STYLE = """\
:root {color-scheme: light dark}
body {font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em}
table {border-collapse: collapse} th, td {text-align: left; padding: .3em 1.4em .3em 0}
th {font-weight: 400; opacity: .7} td {border-top: 1px solid rgba(128, 128, 128, .3)} code {font-size: 90%}"""


def page_of(report: Mapping[str, Any], docs: str | None) -> str:
    """Return the page of a report as `/` gives it; `docs` is where the app describes its routes.

    >>> "<h1>shop / production</h1>" in page_of({"app": "shop", "environment": "production", "children": []}, None)
    True
    """
    title = html.escape(f"{report['app']} / {report['environment']}")
    rows = "".join(map(_row, report["children"]))
    table = f"<table><tr><th>resource<th>kind<th>state<th>jobs<th>endpoint</tr>{rows}</table>" if rows else ""
    notes = [*report.get("drift", ()), *report.get("repaired", ()), *filter(None, [report.get("wrong", "")])]
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    more = f"<ul>{listed}</ul>" if notes else "<p>All is as the build wants it.</p>"
    link = f'<p><a href="{html.escape(docs.lstrip("/"))}">the routes</a></p>' if docs else ""
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f"<!doctype html><html><head>{head}</head><body><h1>{title}</h1>{table}{more}{link}</body></html>"


def _row(child: Mapping[str, Any]) -> str:
    jobs = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in child["jobs"].items() if count)
    cells = [child["resource"], child["kind"], child["state"], jobs]
    shown = "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells)
    return f"<tr>{shown}<td><code>{html.escape(child['endpoint_id'] or '')}</code></td></tr>"
