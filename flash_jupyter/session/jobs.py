"""The store of jobs: one SQLite file, written before anything is sent, so that a job outlives its kernel (D8).

It holds where the key came from, never the key, and no value of `env=`. Several kernels write at the same time
(WAL); times are UTC.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from flash_jupyter.errors import OptionError, SettingsError
from flash_jupyter.session.records import COLUMNS, SCRATCH, JobRecord, record_of, row_of, sql_value, utc_now
from flash_jupyter.states import OPEN_JOBS, JobState

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, platform_id TEXT, name TEXT, state TEXT NOT NULL, endpoint_id TEXT, backend TEXT NOT NULL,
    key_origin TEXT, notebook TEXT, cell_id TEXT, filename TEXT, source TEXT, names TEXT, out TEXT, run TEXT,
    worker_id TEXT, error TEXT, created_at TEXT NOT NULL, finished_at TEXT, cost_usd REAL, events_log TEXT,
    has_result INTEGER NOT NULL DEFAULT 0, kind TEXT NOT NULL DEFAULT 'cell', session TEXT,
    seen_at TEXT, is_taken INTEGER NOT NULL DEFAULT 0, cancelled_by TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS jobs_by_platform_id ON jobs (platform_id);
CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (created_at);
CREATE TABLE IF NOT EXISTS results (job_id TEXT PRIMARY KEY, answer BLOB NOT NULL) STRICT;
"""
#: bumped when a reader of the older schema would go wrong
SCHEMA_VERSION = 3
#: an older version -> what makes the next one of it
MIGRATIONS = {
    1: (
        "ALTER TABLE jobs ADD COLUMN kind TEXT NOT NULL DEFAULT 'cell'",
        "ALTER TABLE jobs ADD COLUMN session TEXT",
        "ALTER TABLE jobs ADD COLUMN seen_at TEXT",
        "ALTER TABLE jobs ADD COLUMN is_taken INTEGER NOT NULL DEFAULT 1",
    ),
    2: ("ALTER TABLE jobs ADD COLUMN cancelled_by TEXT",),
}
#: one that an interrupt kept from being crossed off is written once all the same
_INSERT = f"INSERT OR IGNORE INTO jobs ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
#: the WAL is written back when nobody waits, for that syncs the disk (13 ms were seen): from so many bytes on; at the
#: latest with so many pages of 4 KiB
WAL_BYTES, WAL_PAGES_MAX = 400_000, 4_000
#: so long another process may keep the file for itself
BUSY_MS = 10_000
_log = logging.getLogger(__name__)
#: a statement and its values
Write = tuple[str, list[Any]]


class JobStore:
    """All jobs of this user. Opened when it is first used; safe to use from several threads.

    What is written `soon` waits for the next `flush`, write or look; what waits together is one commit.
    """

    def __init__(self, path: Path, *, now: Callable[[], str] = utc_now) -> None:
        self._path, self._now = path, now
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        #: added to by any thread, taken from under the lock
        self._waiting: list[Write] = []

    def insert(self, job: JobRecord, *, soon: bool = False) -> None:
        """Write a new job down."""
        self._write([(_INSERT, row_of(job))], soon=soon)

    def update(self, job_id: str, *, soon: bool = False, **changes: Any) -> None:
        """Change columns of a job."""
        self._write([_change(job_id, changes)], soon=soon)

    def finish(
        self, job_id: str, state: JobState, *, answer: bytes | None = None, soon: bool = False, **changes: Any
    ) -> None:
        """Write the end of a job: its state, the time, and its answer, where there is one.

        A cancel that comes when the answer is here already, but unknown to the platform, changes nothing.
        """
        end = {"state": state, "finished_at": self._now(), "has_result": answer is not None, **changes}
        unless = " AND NOT has_result" if state is JobState.CANCELLED else ""
        writes = [_change(job_id, end, unless)]
        if answer is not None:
            writes.insert(0, ("INSERT OR REPLACE INTO results VALUES (?, ?)", [job_id, answer]))
        self._write(writes, soon=soon)

    def flush(self) -> None:
        """Write what waits; raises `SettingsError` where that is not possible, and it goes on waiting."""
        if self._waiting:
            with self._lock:
                self._write_waiting()

    def flush_at_once(self) -> bool:
        """Write what waits, as `flush` does, but wait for nobody: False where that would be necessary."""
        if not self._waiting:
            return True
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._connection is not None and self._write_unless_busy(self._connection)
        finally:
            self._lock.release()

    def newest(self, *, limit: int = 1000, of_scratch: bool = True) -> list[JobRecord]:
        """Return the jobs, newest first, with those of scratch copies or without."""
        mine = "" if of_scratch else f" WHERE coalesce(session, '') NOT LIKE '%:{SCRATCH}%'"
        query = f"SELECT {', '.join(COLUMNS)} FROM jobs{mine} ORDER BY created_at DESC, rowid DESC LIMIT ?"
        return [record_of(row) for row in self._execute(query, [limit])]

    def open_jobs(self, session: str | None = None) -> list[JobRecord]:
        """Return the jobs that are not known to be over, oldest first: of one session, or of all."""
        states = ", ".join(f"'{state.value}'" for state in sorted(OPEN_JOBS))
        query = f"SELECT {', '.join(COLUMNS)} FROM jobs WHERE state IN ({states})"
        mine = "" if session is None else " AND session = :session"
        return [record_of(row) for row in self._execute(f"{query}{mine} ORDER BY created_at", {"session": session})]

    def ready(self, notebook: str) -> list[JobRecord]:
        """Return the jobs of a notebook whose results nobody has taken yet, newest first."""
        query = f"SELECT {', '.join(COLUMNS)} FROM jobs WHERE notebook = ? AND has_result AND NOT is_taken"
        return [record_of(row) for row in self._execute(f"{query} ORDER BY created_at DESC", [notebook])]

    def find(self, text: str) -> JobRecord:
        """Return the job with our id, the platform's id, or a unique prefix of either, or raise `OptionError`."""
        query = f"SELECT {', '.join(COLUMNS)} FROM jobs WHERE {{}} ORDER BY created_at DESC LIMIT 3"
        exact = self._execute(query.format("id = :text OR platform_id = :text"), {"text": text})
        prefix = "substr(id, 1, length(:text)) = :text OR substr(platform_id, 1, length(:text)) = :text"
        rows = exact or (self._execute(query.format(prefix), {"text": text}) if text else [])
        if not rows:
            raise OptionError(f"there is no job {text}", fix="see %flash jobs")
        if len(rows) > 1 and not exact:
            near = ", ".join(record_of(row).id for row in rows)
            raise OptionError(f"several jobs begin with {text}: {near}", fix="write more of the id")
        return record_of(rows[0])

    def cancelled_by(self, job_id: str) -> str | None:
        """Return from where somebody asked for the end of a job; None where nobody did."""
        rows = self._execute("SELECT cancelled_by FROM jobs WHERE id = ?", [job_id])
        return rows[0][0] if rows else None

    def cancelled(self, job_ids: list[str]) -> list[str]:
        """Return those of these jobs whose end somebody asked for."""
        query = "SELECT id FROM jobs WHERE cancelled_by IS NOT NULL AND id IN (SELECT value FROM json_each(?))"
        return [job_id for (job_id,) in self._execute(query, [json.dumps(job_ids)])]

    def answer(self, job_id: str) -> bytes | None:
        """Return the stored answer of a job."""
        rows = self._execute("SELECT answer FROM results WHERE job_id = ?", [job_id])
        return bytes(rows[0][0]) if rows else None

    def write_back(self) -> None:
        """Bring what the WAL has into the file, where that is much, and empty it; not while another process needs it.

        Each page that is written over an older one which the system keeps no longer is read from the disk first.
        """
        with self._lock:
            if self._connection is not None and _size(self._path.with_name(f"{self._path.name}-wal")) >= WAL_BYTES:
                with _waits_for_nobody(self._connection):
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Write what waits, where that is possible, and close the file; the next use opens it again."""
        try:
            self.flush()
        except SettingsError:  # whoever waited for it was told
            _log.warning("flash_jupyter could not write down all jobs", exc_info=True)
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _write(self, writes: list[Write], *, soon: bool) -> None:
        self._waiting += writes
        if not soon:
            self.flush()

    def _execute(self, statement: str, values: list[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._lock:
            self._write_waiting()
            try:
                return self._opened().execute(statement, values).fetchall()
            except sqlite3.OperationalError as error:
                raise _unusable(self._path, error) from error

    def _write_waiting(self) -> None:
        """One commit for all; under the lock. What can't be written at all is left out, or nobody could write again."""
        writes = self._waiting[:]
        if not writes:
            return
        self._opened()  # or raise
        try:
            self._commit(writes)
        except sqlite3.OperationalError as error:
            raise _unusable(self._path, error) from error
        except Exception:
            for write in writes:
                try:
                    self._commit([write])
                except sqlite3.OperationalError as error:
                    raise _unusable(self._path, error) from error
                except Exception:
                    _log.warning("flash_jupyter could not write down a job", exc_info=True)
                del self._waiting[0]
            return
        del self._waiting[: len(writes)]

    def _write_unless_busy(self, connection: sqlite3.Connection) -> bool:
        """Write what waits; False where another process is writing."""
        with _waits_for_nobody(connection):
            try:
                self._write_waiting()
            except SettingsError as error:
                if "locked" in str(error.__cause__):
                    return False
                raise
        return True

    def _commit(self, writes: list[Write]) -> None:
        connection = self._opened()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement, values in writes:
                connection.execute(statement, values)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:  # also after an interrupt: nobody else could write any more
                connection.execute("ROLLBACK")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _open(self._path)
            weakref.finalize(self, self._connection.close)  # for who forgets `close`
        return self._connection


@contextmanager
def _waits_for_nobody(connection: sqlite3.Connection) -> Iterator[None]:
    """Let a connection give up at once where another process writes."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _change(job_id: str, changes: Mapping[str, Any], unless: str = "") -> Write:
    assignments = ", ".join(f"{column} = ?" for column in changes)
    values = [sql_value(value) for value in changes.values()]
    return f"UPDATE jobs SET {assignments} WHERE id = ?{unless}", [*values, job_id]


def _open(path: Path) -> sqlite3.Connection:
    """Open the store, and make it where it is not. Autocommit: every statement is its own transaction."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)  # it holds sources and results
        connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error
    try:
        # SQLite does not wait for its own turn when several make a new file a WAL one: "database is locked" at once
        with FileLock(path.with_suffix(".lock")):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX}")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version < SCHEMA_VERSION:
                _bring_up_to_date(connection)
    except (OSError, sqlite3.Error) as error:
        connection.close()
        raise _unusable(path, error) from error
    return connection


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables, or change those of an older version; whoever comes second finds it done."""
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version:
        for step in range(version, SCHEMA_VERSION):
            for statement in MIGRATIONS[step]:
                connection.execute(statement)
    for statement in filter(str.strip, SCHEMA.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _unusable(path: Path, error: Exception) -> SettingsError:
    return SettingsError(
        f"the job store {path} can't be used: {getattr(error, 'strerror', None) or error}",
        fix="make that folder writable, or point FLASH_JUPYTER_HOME to one that is",
    )
