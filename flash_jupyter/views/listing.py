"""What `%flash` and `flash` list: endpoints, jobs, volumes, and which Runpod is in use. Rows come as in `--json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any

from flash_jupyter.quantities import read_time
from flash_jupyter.views.format import PLACES, age_at, duration, money
from flash_jupyter.views.sheet import Column, Sheet, columns, listing

STATUS_COLUMNS = columns("name", "hardware", "workers", "jobs")


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
    Column("notebook", "what", hint="path"),
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


def endpoints_sheet(endpoints: Sequence[Mapping[str, Any]], now: datetime) -> Sheet:
    """Draw a listing of endpoints."""
    return listing([endpoint_row(each, now) for each in endpoints], ENDPOINT_COLUMNS, empty="no endpoints")


def jobs_sheet(jobs: Sequence[Mapping[str, Any]], now: datetime) -> Sheet:
    """Draw a listing of jobs."""
    return listing([job_row(each, now) for each in jobs], JOB_COLUMNS, empty="no jobs")


def volumes_sheet(volumes: Sequence[Mapping[str, Any]]) -> Sheet:
    """Draw a listing of network volumes, with what all of them cost."""
    total = sum(each["usd_per_month"] or 0.0 for each in volumes)
    foot = [f"together ${total:.2f} a month, until they are deleted"] if len(volumes) > 1 and total else []
    return [*listing([volume_row(each) for each in volumes], VOLUME_COLUMNS, empty="no network volumes"), *foot]


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
        "age": age_at(now, endpoint["created_at"]),
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
        "notebook": PurePath(job["notebook"] or "").name or job["called"],
        "path": job["notebook"] or "",
        "age": f"{age_at(now, job['created_at'])} ago",
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


def logs_text(logs: Sequence[Mapping[str, Any]]) -> str:
    r"""Write logs one after the other, each under its title.

    >>> logs_text([{"title": "worker w1", "text": "a\n"}, {"title": "worker w2", "text": "b\n"}])
    'worker w1\na\n\nworker w2\nb'
    """
    return "\n\n".join(f"{log['title']}\n{log['text'].rstrip()}" for log in logs)


def status_sheet(status: Mapping[str, Any], endpoints: Sequence[Mapping[str, Any]]) -> Sheet:
    """Draw `%flash status`: one line about the Runpod in use, then its endpoints."""
    return [status_line(status), *listing(endpoints, STATUS_COLUMNS, empty="no endpoints")]


def status_line(status: Mapping[str, Any]) -> str:
    """Say which Runpod is in use, whose, and what is open.

    >>> status_line({"backend": "local", "local_running": False, "owner": "me", "open_jobs": []})
    'the local Runpod (not running: the next remote cell starts it) · owner me · no open jobs'
    >>> status_line({"backend": "runpod", "key_origin": "RUNPOD_API_KEY in .env", "owner": "me", "open_jobs": ["fj-1"]})
    'Runpod (key: RUNPOD_API_KEY in .env) · owner me · open: fj-1'
    """
    key = f" (key: {status['key_origin']})" if status["backend"] == "runpod" else ""
    jobs = f"open: {', '.join(status['open_jobs'])}" if status["open_jobs"] else "no open jobs"
    return f"{runpod_in_use(status)}{key} · owner {status['owner']} · {jobs}"


def runpod_in_use(status: Mapping[str, Any]) -> str:
    """Name the Runpod that a status or an overview is of, and say whether it has to be started.

    >>> runpod_in_use({"backend": "local", "local_running": False}), runpod_in_use({"backend": "runpod"})
    ('the local Runpod (not running: the next remote cell starts it)', 'Runpod')
    """
    is_missing = status["backend"] == "local" and not status["local_running"]
    return PLACES[status["backend"]] + (" (not running: the next remote cell starts it)" if is_missing else "")
