"""What `%flash` lists: tables of endpoints and jobs, and which Runpod is in use; as plain text and HTML."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

from flash_jupyter.views.format import html_table, table
from flash_jupyter.views.status import PLACES

STATUS_COLUMNS = ("name", "hardware", "workers", "jobs")


def table_bundle(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty: str) -> dict[str, str]:
    """Make the mime bundle of a listing; `empty` is said where there is nothing to list."""
    if not rows:
        return {"text/plain": empty, "text/html": f"<i>{html.escape(empty)}</i>"}
    return {"text/plain": table(rows, columns), "text/html": html_table(rows, columns)}


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
