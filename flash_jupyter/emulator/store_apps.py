"""The tables of flash apps: apps, environments, builds, uploads of artifacts, and logins."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar


@dataclass(frozen=True)
class Record:
    """What every row has: an id, and when it was made, in seconds since the epoch."""

    id: str
    created_at: float


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


Row = TypeVar("Row", bound=Record)
_JSON_COLUMNS = {"volumes", "manifest", "endpoints", "environments"}


class Table(Generic[Row]):
    """One table; its columns are the fields of the row's class."""

    def __init__(self, db: sqlite3.Connection, name: str, row: type[Row]) -> None:
        self._db, self._name, self._row = db, name, row
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
        query = f"SELECT {columns} FROM {self._name} WHERE {condition} ORDER BY created_at, rowid"
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
