"""Rows and tables of what clients make and workers use; jobs and workers are in `store`."""

from __future__ import annotations

import json
import secrets
import sqlite3
import string
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar

from flash_jupyter.emulator.documents import HIDDEN


def new_id(length: int = 14) -> str:
    """Make an id of the platform's form: lower case letters and digits; so long that no word of a path is one."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length))


@dataclass(frozen=True)
class Record:
    """What every row has: an id, and when it was made, in seconds since the epoch."""

    id: str
    created_at: float


@dataclass(frozen=True)
class EndpointRow(Record):
    """An endpoint as it was stored."""

    version: int
    document: dict[str, Any]
    releases: list[dict[str, Any]]


@dataclass(frozen=True)
class FlashApp(Record):
    """An app: a name, environments, builds."""

    name: str


@dataclass(frozen=True)
class FlashEnvironment(Record):
    """An environment of an app. `status` is what a client has set; `volumes` are ids of network volumes."""

    app_id: str
    name: str
    status: str | None
    build_id: str | None
    volumes: list[str]


@dataclass(frozen=True)
class FlashBuild(Record):
    """An artifact that was uploaded, and its manifest."""

    app_id: str
    object_key: str
    manifest: dict[str, Any]


@dataclass(frozen=True)
class ArtifactUpload(Record):
    """An upload that was announced with its size in bytes; the id names its file."""

    app_id: str
    object_key: str
    size: int
    expires_at: float


@dataclass(frozen=True)
class LoginRequest(Record):
    """A login that a browser approves."""

    status: str
    expires_at: float


@dataclass(frozen=True)
class Resource(Record):
    """A template or a network volume; `document` is what REST v2 shows, without the id."""

    document: dict[str, Any]

    def show(self) -> dict[str, Any]:
        """Return it as REST v2 shows it."""
        return {"id": self.id, **{name: value for name, value in self.document.items() if name not in HIDDEN}}


Row = TypeVar("Row", bound=Record)
_JSON_COLUMNS = {"volumes", "manifest", "endpoints", "environments", "document", "releases"}


class Table(Generic[Row]):
    """One table; its columns are the fields of the row's class. `then` orders rows that were made at the same time."""

    def __init__(self, db: sqlite3.Connection, name: str, row: type[Row], *, then: str = "rowid") -> None:
        self._db, self._name, self._row, self._then = db, name, row, then
        self._columns = [field.name for field in fields(row)]

    def put(self, row: Row) -> Row:
        """Insert or replace a row; returns it."""
        values = {name: getattr(row, name) for name in self._columns}
        encoded = {name: json.dumps(value) if name in _JSON_COLUMNS else value for name, value in values.items()}
        places = ", ".join(f":{name}" for name in self._columns)
        columns = ", ".join(self._columns)
        self._db.execute(f"INSERT OR REPLACE INTO {self._name} ({columns}) VALUES ({places})", encoded)
        return row

    def delete(self, row: Row) -> None:
        """Forget a row."""
        self._db.execute(f"DELETE FROM {self._name} WHERE id = :id", {"id": row.id})

    def get(self, row_id: str) -> Row | None:
        """Return a row by its id."""
        return self.first(id=row_id)

    def first(self, **wanted: str) -> Row | None:
        """Return the oldest row with these values, if there is one."""
        found = self.all(**wanted)
        return found[0] if found else None

    def all(self, **wanted: str) -> list[Row]:
        """Return the rows with these values, oldest first."""
        condition = " AND ".join(f"{name} = :{name}" for name in wanted) or "1"
        columns = ", ".join(self._columns)
        query = f"SELECT {columns} FROM {self._name} WHERE {condition} ORDER BY created_at, {self._then}"
        return [self._decode(values) for values in self._db.execute(query, wanted)]

    def _decode(self, values: tuple[Any, ...]) -> Row:
        pairs = zip(self._columns, values, strict=True)
        return self._row(**{name: json.loads(value) if name in _JSON_COLUMNS else value for name, value in pairs})


class AppTables:
    """All tables of flash apps."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.apps = Table(db, "flash_apps", FlashApp)
        self.environments = Table(db, "flash_environments", FlashEnvironment)
        self.builds = Table(db, "flash_builds", FlashBuild)
        self.uploads = Table(db, "flash_uploads", ArtifactUpload)
        self.logins = Table(db, "flash_logins", LoginRequest)


@dataclass(frozen=True)
class Secret(Record):
    """A value that a template's env may refer to."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class RestrictedKey(Record):
    """What an API key may do that is not the user's; `digest` is its SHA-256.

    It may call `endpoints` and those of the flash `environments`, by their ids. `account` is what it may do with
    GraphQL and REST v2: none, read or write.
    """

    digest: str = field(repr=False)
    endpoints: list[str]
    environments: list[str]
    account: str


class BindingTable:
    """Which endpoint lives from which template."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, endpoint_id: str, template_id: str) -> None:
        """Bind an endpoint; an older binding of it ends."""
        self._db.execute("INSERT OR REPLACE INTO bindings VALUES (?, ?)", (endpoint_id, template_id))

    def delete(self, endpoint_id: str) -> None:
        """Forget an endpoint's binding."""
        self._db.execute("DELETE FROM bindings WHERE endpoint_id = ?", (endpoint_id,))

    def all(self) -> dict[str, str]:
        """Return template ids by endpoint id."""
        return dict(self._db.execute("SELECT endpoint_id, template_id FROM bindings"))


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
