"""What `%flash` and `flash` list: tables of endpoints, jobs and volumes, and which Runpod is in use.

Plain text and HTML. Rows come as `--json` prints them, and get the words and units that a person reads; colours are
the page's.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from flash_jupyter.views.format import PLACES, age, duration, money, shortened, table
from flash_jupyter.wire.times import read_time

STATUS_COLUMNS = ("name", "hardware", "workers", "jobs")


@dataclass(frozen=True)
class Column:
    """A column of a listing: which value, under which title; `hint` names the value that a pointer over it shows.

    A long value is cut in HTML, unless it is one that is copied from there (`is_whole`).
    """

    key: str
    title: str
    is_number: bool = False
    hint: str = ""
    is_whole: bool = False


ENDPOINT_COLUMNS = (
    Column("name", "endpoint", hint="id"),
    Column("state", "state"),
    Column("hardware", "hardware"),
    Column("workers", "workers"),
    Column("queue", "queue"),
    Column("price", "a worker", is_number=True),
    Column("age", "age", is_number=True, hint="created_at"),
    Column("notebook", "notebook", hint="path"),
    Column("whose", "whose", hint="expires"),
)
JOB_COLUMNS = (
    Column("id", "job", hint="platform_id"),
    Column("state", "state"),
    Column("name", "endpoint", hint="endpoint_id"),
    Column("notebook", "notebook", hint="path"),
    Column("age", "sent", is_number=True, hint="created_at"),
    Column("took", "took", is_number=True),
    Column("cost", "cost", is_number=True),
)
VOLUME_COLUMNS = (
    Column("name", "volume", hint="id"),
    Column("size", "size", is_number=True),
    Column("data_center", "data centre"),
    Column("price", "a month", is_number=True),
    Column("users", "used by"),
)

#: of a cell in HTML; a pointer over it shows all
CELL_CHARACTERS = 40

#: state -> the page's colour for its dot; others have the text's own, faint
DOTS = {
    "running": "var(--jp-brand-color1, currentColor)",
    "IN_PROGRESS": "var(--jp-brand-color1, currentColor)",
    "ready": "var(--jp-success-color1, currentColor)",
    "COMPLETED": "var(--jp-success-color1, currentColor)",
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
.flash-list.flash-list .n {text-align: right; font-variant-numeric: tabular-nums}
.flash-list.flash-list tbody tr:nth-child(n) {background: none}
</style>"""


def table_bundle(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty: str) -> dict[str, str]:
    """Make the mime bundle of a plain listing; `empty` is said where there is nothing to list."""
    texts = [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]
    return listing_bundle(texts, [Column(column, column, is_whole=True) for column in columns], empty=empty)


def endpoints_bundle(endpoints: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, str]:
    """Make the mime bundle of a listing of endpoints."""
    return listing_bundle([endpoint_row(each, now) for each in endpoints], ENDPOINT_COLUMNS, empty="no endpoints")


def jobs_bundle(jobs: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, str]:
    """Make the mime bundle of a listing of jobs."""
    return listing_bundle([job_row(each, now) for each in jobs], JOB_COLUMNS, empty="no jobs")


def volumes_bundle(volumes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Make the mime bundle of a listing of network volumes, with what all of them cost."""
    bundle = listing_bundle([volume_row(each) for each in volumes], VOLUME_COLUMNS, empty="no network volumes")
    total = sum(each["usd_per_month"] or 0.0 for each in volumes)
    if len(volumes) < 2 or not total:
        return bundle
    foot = f"together ${total:.2f} a month, until they are deleted"
    return {"text/plain": f"{bundle['text/plain']}\n{foot}", "text/html": f"{bundle['text/html']}<div>{foot}</div>"}


def listing_bundle(rows: Sequence[Mapping[str, str]], columns: Sequence[Column], *, empty: str) -> dict[str, str]:
    """Make the mime bundle of rows whose values are texts already; a column that is empty in all rows is left out."""
    if not rows:
        return {"text/plain": empty, "text/html": f"<div><i>{html.escape(empty)}</i></div>"}
    shown = [column for column in columns if any(row.get(column.key) for row in rows)]
    titled = [{column.title: row.get(column.key) for column in shown} for row in rows]
    return {
        "text/plain": table(titled, [column.title for column in shown]),
        "text/html": f'{STYLE}<div class="flash-list">{listing_html(rows, shown)}</div>',
    }


def listing_html(rows: Sequence[Mapping[str, str]], columns: Sequence[Column]) -> str:
    """Draw rows as an HTML table, everything escaped."""
    head = "".join(f"<th{_class(column)}>{html.escape(column.title)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(_cell(row, column) for column in columns)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(row: Mapping[str, str], column: Column) -> str:
    text = row.get(column.key) or ""
    title = f"{text} · {row[column.hint]}" if row.get(column.hint) else text
    dot = ""
    if column.key == "state" and text:
        seen = "FAILED" if text.startswith("raised ") else text
        dot = f'<span style="color:{DOTS.get(seen, "inherit")};opacity:{1 if seen in DOTS else 0.75}">●</span> '
    shown = html.escape(text if column.is_whole else shortened(text, CELL_CHARACTERS))
    return f'<td{_class(column)} title="{html.escape(title)}">{dot}{shown}</td>'


def _class(column: Column) -> str:
    return ' class="n"' if column.is_number else ""


def endpoint_row(endpoint: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Say what one endpoint is, in the words of `ENDPOINT_COLUMNS`."""
    price, expires_at = endpoint["usd_per_hour"], endpoint["expires_at"]
    return {
        "name": endpoint["name"],
        "id": endpoint["id"],
        "state": endpoint["state"] or "",
        "hardware": endpoint["hardware"],
        "workers": "" if endpoint["workers"] in (None, "0") else endpoint["workers"],
        "queue": "" if endpoint["jobs"] in (None, "0") else endpoint["jobs"],
        "price": "" if price is None else f"${price:.2f}/h",
        "age": _since(endpoint["created_at"], now),
        "created_at": endpoint["created_at"],
        "notebook": PurePath(endpoint["notebook"]).name,
        "path": endpoint["notebook"],
        "whose": whose(endpoint),
        "expires": f"expires {expires_at}" if expires_at else "",
    }


def whose(endpoint: Mapping[str, Any]) -> str:
    """Say whose an endpoint is.

    >>> whose({"whose": "ours", "owner": "ann"}), whose({"whose": "orphan", "owner": "ann"})
    ('yours', 'orphan of ann')
    >>> whose({"whose": "others", "owner": "bob"}), whose({"whose": "others", "owner": ""})
    ("bob's", 'not ours')
    """
    owner = endpoint["owner"]
    if endpoint["whose"] == "ours":
        return "yours"
    if endpoint["whose"] == "orphan":
        return f"orphan of {owner}" if owner else "orphan"
    return f"{owner}'s" if owner else "not ours"


def job_row(job: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Say what one job is, in the words of `JOB_COLUMNS`."""
    sent_at, ended_at = read_time(job["created_at"]), read_time(job["finished_at"])
    return {
        "id": job["id"],
        "platform_id": job["platform_id"] or "",
        "state": job["outcome"],
        "name": job["name"] or "",
        "endpoint_id": job["endpoint_id"] or "",
        "notebook": PurePath(job["notebook"] or "").name,
        "path": job["notebook"] or "",
        "age": f"{_since(job['created_at'], now)} ago",
        "created_at": job["created_at"],
        "took": duration((ended_at - sent_at).total_seconds()) if sent_at and ended_at else "",
        "cost": "" if job["cost_usd"] is None else money(job["cost_usd"]),
    }


def volume_row(volume: Mapping[str, Any]) -> dict[str, str]:
    """Say what one network volume is, in the words of `VOLUME_COLUMNS`."""
    price = volume["usd_per_month"]
    return {
        "name": volume["name"],
        "id": volume["id"],
        "size": f"{volume['size_gb']} GB",
        "data_center": volume["data_center"],
        "price": "" if price is None else f"${price:.2f}",
        "users": ", ".join(volume["used_by"]) or "nothing",
    }


def _since(text: str, now: datetime) -> str:
    moment = read_time(text)
    return age((now - moment).total_seconds()) if moment else ""


def logs_text(logs: Sequence[Mapping[str, Any]]) -> str:
    r"""Write logs one after the other, each under its title.

    >>> logs_text([{"title": "worker w1", "text": "a\n"}, {"title": "worker w2", "text": "b\n"}])
    'worker w1\na\n\nworker w2\nb'
    """
    return "\n\n".join(f"{log['title']}\n{log['text'].rstrip()}" for log in logs)


def json_bundle(document: Mapping[str, Any]) -> dict[str, Any]:
    """Make the mime bundle of a listing for programs; its text is the same JSON."""
    return {"application/json": document, "text/plain": json.dumps(document, indent=1)}


def status_bundle(status: Mapping[str, Any], endpoints: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Make the mime bundle of `%flash status`: one line about the Runpod in use, then its endpoints."""
    head = status_line(status)
    listing = table_bundle(endpoints, STATUS_COLUMNS, empty="no endpoints")
    return {
        "text/plain": f"{head}\n{listing['text/plain']}",
        "text/html": f"<div>{html.escape(head)}</div>{listing['text/html']}",
    }


def status_line(status: Mapping[str, Any]) -> str:
    """Say which Runpod is in use, whose, and what is open.

    >>> status_line({"backend": "local", "local_running": False, "owner": "me", "open_jobs": []})
    'the local Runpod (not running: the next remote cell starts it) · owner me · no open jobs'
    >>> status_line({"backend": "runpod", "key_origin": "RUNPOD_API_KEY in .env", "owner": "me", "open_jobs": ["fj-1"]})
    'Runpod (key: RUNPOD_API_KEY in .env) · owner me · open: fj-1'
    """
    note = ""
    if status["backend"] == "runpod":
        note = f" (key: {status['key_origin']})"
    elif not status["local_running"]:
        note = " (not running: the next remote cell starts it)"
    jobs = f"open: {', '.join(status['open_jobs'])}" if status["open_jobs"] else "no open jobs"
    return f"{PLACES[status['backend']]}{note} · owner {status['owner']} · {jobs}"
