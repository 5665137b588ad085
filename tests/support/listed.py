"""Rows as `--json` prints them, for tests of what draws them."""

from __future__ import annotations

from typing import Any

AT = "2026-11-22T12:00:03.250000+00:00"


def endpoint(**changes: Any) -> dict[str, Any]:
    return {
        "name": "trainer",
        "id": "ep1",
        "backend": "runpod",
        "hardware": "ADA_24",
        "state": "running",
        "workers": "1 running, 1 idle",
        "jobs": "2 queued, 1 running",
        "owner": "ann",
        "whose": "ours",
        "created_at": "2026-11-22T10:00:00Z",
        "expires_at": "2026-11-23T10:00:00Z",
        "usd_per_hour": 1.116,
        "notebook": "work/train.ipynb",
        "last_job_at": "2026-11-22T11:00:00Z",
        **changes,
    }


def job(**changes: Any) -> dict[str, Any]:
    return {
        "id": "fj-1",
        "platform_id": "abc-u1",
        "name": "trainer",
        "state": "COMPLETED",
        "outcome": changes.get("state", "COMPLETED"),
        "called": "",
        "endpoint_id": "ep1",
        "notebook": "work/train.ipynb",
        "created_at": "2026-11-22T11:00:00.000Z",
        "finished_at": "2026-11-22T11:03:20.000Z",
        "cost_usd": 0.0142,
        **changes,
    }


def overview(**changes: Any) -> dict[str, Any]:
    return {"backend": "local", "local_running": True, "owner": "ann", "at": AT, "endpoints": [], "jobs": [], **changes}
