"""The server's memory on disk: SQLite, one write a transition, and files for large bodies.

The server works on its own objects and only reads this when it starts. WAL with synchronous=NORMAL: a commit survives
`kill -9` of the process; a power cut may lose the last ones.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flash_jupyter.emulator.jobs import Job
from flash_jupyter.emulator.machine import Ports
from flash_jupyter.emulator.tables import (
    AppTables,
    BindingTable,
    EndpointRow,
    Resource,
    RestrictedKey,
    Secret,
    Table,
    UsageTable,
)
from flash_jupyter.states import JobState

_SCHEMA = Path(__file__).with_name("schema.sql")
#: the WAL is written back when the server has nothing to do, for that syncs the disk, and everybody waits (14 ms were
#: seen): after so many changed rows, of which each is about three pages; at the latest with so many pages of 4 KiB
_WAL_ROWS, _WAL_PAGES_MAX = 500, 10_000


@dataclass(frozen=True)
class WorkerRow:
    """A worker as it was stored; `created` is its process's create time, `ports` those of a load balancer's worker."""

    id: str
    endpoint_id: str
    pid: int
    created: float
    started_at: float
    version: int
    ready: bool
    ports: Ports | None = None


class StoreInUse(Exception):
    """Another process has this store open."""


class StoreBroken(Exception):
    """The file can't be used; the text names it and says why."""


class Store:
    """One SQLite file and a folder of bodies; used by one process, in one thread."""

    def __init__(self, folder: Path, *, inline_bytes: int) -> None:
        self._bodies = folder / "bodies"
        self._bodies.mkdir(parents=True, exist_ok=True)
        self._inline_bytes = inline_bytes
        path = folder / "emulator.sqlite"
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")  # two servers on one store would run jobs twice
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute(f"PRAGMA wal_autocheckpoint={_WAL_PAGES_MAX}")
            self._db.executescript(_SCHEMA.read_text())
        except sqlite3.DatabaseError as error:
            self._db.close()
            if "locked" in str(error):
                raise StoreInUse(str(folder)) from None
            raise StoreBroken(f"{path}: {error}") from None
        self.endpoints = Table(self._db, "endpoints", EndpointRow, then="id")
        self.flash = AppTables(self._db)
        self.templates = Table(self._db, "templates", Resource, then="id")
        self.volumes = Table(self._db, "volumes", Resource, then="id")
        self.bindings = BindingTable(self._db)
        self.usage = UsageTable(self._db)
        self._written_back = self._db.total_changes
        self.secrets = Table(self._db, "secrets", Secret)
        self.keys = Table(self._db, "restricted_keys", RestrictedKey)

    def close(self) -> None:
        """Close the file; the WAL is written back."""
        self._db.close()

    def write_back(self) -> None:
        """Bring what the WAL has into the file, where that is much, and empty it.

        Each page that is written over an older one which the system keeps no longer is read from the disk first: a
        hundred calls after a pause took 150 ms instead of 80 (measured 2026-11-23).
        """
        if self._db.total_changes - self._written_back >= _WAL_ROWS:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._written_back = self._db.total_changes

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Group several writes into one commit."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # a full disk has ended it already, and its words are those to be told
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def meta(self, key: str) -> str | None:
        """Return a remembered setting: `port`, `api_key`."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_meta(self, key: str, value: str) -> None:
        """Remember a setting."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # --- jobs --------------------------------------------------------------------------------------------------

    def insert_job(self, job: Job, request: bytes) -> None:
        """Store an accepted job; after this it survives the server."""
        if len(request) > self._inline_bytes:
            self._write_body(job.id, "request", request)
        inline = request if len(request) <= self._inline_bytes else None
        self._db.execute(
            "INSERT INTO jobs (id, endpoint_id, state, sync, low_priority, execution_timeout_s, submitted_at,"
            " expires_at, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                job.id,
                job.endpoint_id,
                job.state.value,
                job.sync,
                job.low_priority,
                job.execution_timeout_s,
                job.submitted_at,
                job.expires_at,
                inline,
            ),
        )

    def update_job(self, job: Job) -> None:
        """Store a transition; the stored result stays."""
        self._db.execute(
            "UPDATE jobs SET state = ?, taken_at = ?, finished_at = ?, expires_at = ?, worker_id = ?, retries = ?,"
            " error = ? WHERE id = ?",
            _changing(job),
        )

    def take_job(self, job_id: str, state: JobState, taken_at: float, worker_id: str) -> None:
        """Store that a worker gets a job."""
        self._db.execute(
            "UPDATE jobs SET state = ?, taken_at = ?, worker_id = ? WHERE id = ?",
            (state.value, taken_at, worker_id, job_id),
        )

    def put_result(self, job: Job, result: bytes | None) -> None:
        """Store a transition together with its result; None removes the one of before."""
        if result is not None and len(result) > self._inline_bytes:
            self._write_body(job.id, "result", result)
            result = None
        self._db.execute(
            "UPDATE jobs SET state = ?, taken_at = ?, finished_at = ?, expires_at = ?, worker_id = ?, retries = ?,"
            " error = ?, result = ? WHERE id = ?",
            (*_changing(job)[:-1], result, job.id),
        )

    def delete_job(self, job_id: str) -> None:
        """Forget a job, its bodies and its partial results."""
        self._db.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
        self._db.execute("DELETE FROM chunks WHERE job_id = ?", (job_id,))
        self.drop_body(job_id, "request")
        self.drop_body(job_id, "result")

    def add_chunk(self, job_id: str, body: bytes) -> None:
        """Store one partial result."""
        self._db.execute("INSERT INTO chunks (job_id, body) VALUES (?, ?)", (job_id, body))

    def drop_chunks(self, job_id: str) -> None:
        """Forget partial results which a client has drained, or which a retry makes void."""
        self._db.execute("DELETE FROM chunks WHERE job_id = ?", (job_id,))

    def jobs(self) -> list[Job]:
        """Return all jobs in the order of their submission; large bodies stay in their files."""
        jobs = [_job(row) for row in self._rows("SELECT * FROM jobs ORDER BY number")]
        for job in jobs:
            chunks = self._db.execute("SELECT body FROM chunks WHERE job_id = ? ORDER BY number", (job.id,))
            job.chunks = [body for (body,) in chunks]
        return jobs

    def _rows(self, query: str) -> list[dict[str, Any]]:
        cursor = self._db.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def read_body(self, job_id: str, kind: str) -> bytes | None:
        """Return a body that was too large for the database; `kind` is `request` or `result`."""
        with suppress(FileNotFoundError):
            return (self._bodies / f"{job_id}.{kind}").read_bytes()
        return None

    def drop_body(self, job_id: str, kind: str) -> None:
        """Remove a body's file, if there is one."""
        (self._bodies / f"{job_id}.{kind}").unlink(missing_ok=True)

    def _write_body(self, job_id: str, kind: str, body: bytes) -> None:
        path = self._bodies / f"{job_id}.{kind}"
        partial = path.with_suffix(path.suffix + ".part")
        partial.write_bytes(body)
        partial.replace(path)

    # --- workers -----------------------------------------------------------------------------------------------

    def put_worker(self, row: WorkerRow) -> None:
        """Insert or replace a worker."""
        self._db.execute(
            "INSERT OR REPLACE INTO workers VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.id, row.endpoint_id, row.pid, row.created, row.started_at, row.version, row.ready),
        )
        if row.ports is not None:
            ports = (row.id, row.ports.serve, row.ports.health)
            self._db.execute("INSERT OR REPLACE INTO ports VALUES (?, ?, ?)", ports)

    def delete_worker(self, worker_id: str) -> None:
        """Forget a worker that has ended."""
        self._db.execute("DELETE FROM workers WHERE id = ?", (worker_id,))
        self._db.execute("DELETE FROM ports WHERE worker_id = ?", (worker_id,))

    def workers(self) -> list[WorkerRow]:
        """Return the workers that were alive when the last server ended."""
        ports = {row["worker_id"]: Ports(row["serve"], row["health"]) for row in self._rows("SELECT * FROM ports")}
        rows = self._rows("SELECT * FROM workers")
        return [WorkerRow(**{**row, "ready": bool(row["ready"]), "ports": ports.get(row["id"])}) for row in rows]


def _job(row: dict[str, Any]) -> Job:
    typed = {"state": JobState(row["state"]), "sync": bool(row["sync"]), "low_priority": bool(row["low_priority"])}
    return Job(**{name: value for name, value in {**row, **typed}.items() if name != "number"})


def _changing(job: Job) -> tuple[object, ...]:
    return (
        job.state.value,
        job.taken_at,
        job.finished_at,
        job.expires_at,
        job.worker_id,
        job.retries,
        job.error,
        job.id,
    )
