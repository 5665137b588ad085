"""The table of what workers used: the basis of bills. A row stays when its worker and its endpoint are gone."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class UsageRow:
    """A worker's time: since when, and how long it is known to have lived; `usd_per_s` is the price at its start."""

    worker_id: str
    endpoint_id: str
    started_at: float
    until: float
    is_open: bool
    #: `gpu` or `cpu`
    hardware: str
    usd_per_s: float


class UsageTable:
    """Written when a worker starts and ends, and now and then while it lives."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def begin(self, row: UsageRow) -> None:
        """Store a worker that has started; one that is known already keeps its row."""
        values = (row.worker_id, row.endpoint_id, row.started_at, row.until, row.is_open, row.hardware, row.usd_per_s)
        self._db.execute("INSERT OR IGNORE INTO usage VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def seen(self, at: float) -> None:
        """Note that all workers which have not ended live at this time."""
        self._db.execute("UPDATE usage SET until = ? WHERE is_open", (at,))

    def end(self, worker_id: str, at: float | None) -> None:
        """End a worker's time; None where nobody saw its end: then it counts until it was last seen."""
        statement = "UPDATE usage SET until = coalesce(?, until), is_open = 0 WHERE worker_id = ? AND is_open"
        self._db.execute(statement, (at, worker_id))

    def between(self, start: float, end: float, endpoint_id: str | None) -> list[UsageRow]:
        """Return the rows that may reach into a time, of all endpoints or of one."""
        rows = self._db.execute(
            "SELECT worker_id, endpoint_id, started_at, until, is_open, hardware, usd_per_s FROM usage"
            " WHERE started_at < :end AND (is_open OR until + 1 > :start)"
            " AND endpoint_id = coalesce(:endpoint_id, endpoint_id) ORDER BY started_at",
            {"start": start, "end": end, "endpoint_id": endpoint_id},
        )
        return [UsageRow(w, e, at, until, bool(is_open), h, usd) for w, e, at, until, is_open, h, usd in rows]
