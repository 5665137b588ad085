"""The tables of templates and network volumes, and of which endpoint is bound to which template."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from flash_jupyter.emulator.documents import HIDDEN


@dataclass(eq=False)
class Resource:
    """A template or a network volume; `document` is what REST v2 shows, without the id."""

    id: str
    created_at: float
    document: dict[str, Any]

    def show(self) -> dict[str, Any]:
        """Return it as REST v2 shows it."""
        return {"id": self.id, **{name: value for name, value in self.document.items() if name not in HIDDEN}}


class ResourceTable:
    """One table of resources."""

    def __init__(self, db: sqlite3.Connection, name: Literal["templates", "volumes"]) -> None:
        self._db, self._name = db, name

    def put(self, resource: Resource) -> None:
        """Insert or replace a resource."""
        row = (resource.id, resource.created_at, json.dumps(resource.document))
        self._db.execute(f"INSERT OR REPLACE INTO {self._name} VALUES (?, ?, ?)", row)

    def delete(self, resource_id: str) -> None:
        """Forget a resource."""
        self._db.execute(f"DELETE FROM {self._name} WHERE id = ?", (resource_id,))

    def all(self) -> list[Resource]:
        """Return all resources, oldest first."""
        rows = self._db.execute(f"SELECT id, created_at, document FROM {self._name} ORDER BY 2, 1")
        return [Resource(i, at, json.loads(document)) for i, at, document in rows]


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
