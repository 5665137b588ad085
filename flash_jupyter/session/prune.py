"""The store of jobs and their logs, kept for some time and up to some size; an open job's are never touched.

A record goes with its answer and its log when it is old; where all together take too much, answers and logs of the
oldest go first, and their records stay. The file itself does not shrink: what is freed in it is used again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flash_jupyter.states import OPEN_JOBS

#: a store is looked through at most so often, seconds
EVERY_S = 86_400.0
OPEN = tuple(sorted(state.value for state in OPEN_JOBS))
_IS_OVER = f"state NOT IN ({', '.join('?' * len(OPEN))})"


@dataclass(frozen=True)
class Pruned:
    """How many records went with all they had, and of how many others answer and log."""

    records: int = 0
    answers: int = 0


def is_due(mark: Path, now: datetime) -> bool:
    """Whether the last time is long ago; from now on it is not. False where the mark can't be written."""
    try:
        if mark.exists() and now.timestamp() - mark.stat().st_mtime < EVERY_S:
            return False
        mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch()
    except OSError:
        return False
    return True


def prune(store: Path, logs: Path, *, keep_s: float, keep_bytes: float, now: datetime) -> Pruned:
    """Delete what is too old, then what is too much; times of the store are UTC. Raises `sqlite3.Error`, `OSError`."""
    if not store.exists():
        return Pruned()
    with closing(sqlite3.connect(store, timeout=10.0, isolation_level=None)) as db:
        old = _older_than(db, now - timedelta(seconds=keep_s))
        _remove_logs(logs, old)
        db.executemany("DELETE FROM results WHERE job_id = ?", [(job,) for job in old])
        db.executemany("DELETE FROM jobs WHERE id = ?", [(job,) for job in old])
        large = _beyond(db, logs, keep_bytes)
        _remove_logs(logs, large)
        db.executemany("DELETE FROM results WHERE job_id = ?", [(job,) for job in large])
        db.executemany("UPDATE jobs SET has_result = 0, events_log = NULL WHERE id = ?", [(job,) for job in large])
        _remove_logs(logs, _strangers(db, logs, now.timestamp() - keep_s))
    return Pruned(len(old), len(large))


def _older_than(db: sqlite3.Connection, moment: datetime) -> list[str]:
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    rows = db.execute(f"SELECT id FROM jobs WHERE {_IS_OVER} AND coalesce(finished_at, created_at) < ?", (*OPEN, text))
    return [job for (job,) in rows]


def _beyond(db: sqlite3.Connection, logs: Path, keep_bytes: float) -> list[str]:
    """Jobs that are over and have something, from where the newer ones take all the room."""
    rows = db.execute(
        f"SELECT id, coalesce(length(answer), 0) FROM jobs LEFT JOIN results ON job_id = id WHERE {_IS_OVER}"
        " ORDER BY coalesce(finished_at, created_at) DESC",
        OPEN,
    ).fetchall()
    taken, found = 0, list[str]()
    for job, answer_bytes in rows:
        size = answer_bytes + sum(map(_size, _logs(logs, job)))
        taken += size
        if size and taken > keep_bytes:
            found.append(job)
    return found


def _strangers(db: sqlite3.Connection, logs: Path, before: float) -> list[str]:
    """Old logs of jobs that are in no record."""
    known = {job for (job,) in db.execute("SELECT id FROM jobs")}
    found = (path for path in logs.glob("fj-*") if path.stem not in known)
    return [path.stem for path in found if path.stat().st_mtime < before]


def _remove_logs(logs: Path, jobs: Iterable[str]) -> None:
    for job in jobs:
        for path in _logs(logs, job):
            path.unlink(missing_ok=True)


def _logs(logs: Path, job: str) -> tuple[Path, ...]:
    """The text that a job printed, and the journal of its events."""
    return logs / f"{job}.log", logs / f"{job}.jsonl"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
