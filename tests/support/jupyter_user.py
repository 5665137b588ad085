"""Whom the tests of the Jupyter extension serve: one user's folder, and a platform that is made up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from platform_app import Platform

from flash_jupyter.server.desk import Desk
from flash_jupyter.server.service import Service
from flash_jupyter.session.jobs import JobRecord, JobStore
from flash_jupyter.session.links import Links
from flash_jupyter.session.local import running_local
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState


@dataclass
class Answer:
    """An answer of the Jupyter server."""

    status: int
    text: str
    headers: Any = None

    @property
    def document(self) -> Any:
        return json.loads(self.text)


@dataclass
class User:
    """One user's folder: what the server reads there, and the platform that it speaks to."""

    settings: Settings
    platform: Platform
    store: JobStore
    transport: httpx.AsyncBaseTransport
    #: what is made of the settings, where it is not the service over `transport`
    kind: Callable[..., Service] | None = None
    #: services that were made, newest last
    services: list[Service] = field(default_factory=list)

    def desk(self) -> Desk:
        return Desk(self.settings.home, read=lambda _folder: self.settings, make=self.make)

    def make(self, settings: Settings, threads: Any) -> Service:
        if self.kind is not None:
            self.services.append(self.kind(settings, threads))
            return self.services[-1]
        links = Links(settings, open_local=running_local, transport=self.choose)
        self.services.append(Service(settings, threads, links=links))
        return self.services[-1]

    def choose(self, backend: Any) -> httpx.AsyncBaseTransport | None:
        return self.transport if backend.name == "runpod" else None

    def job(self, job_id: str, **changes: Any) -> JobRecord:
        """Write a job down."""
        fields: dict[str, Any] = {
            "state": JobState.COMPLETED,
            "backend": "runpod",
            "created_at": "2026-11-22T10:00:00Z",
        }
        record = JobRecord(id=job_id, **{**fields, **changes})
        self.store.insert(record)
        return record


Ask = Callable[..., Awaitable[Answer]]


async def until(condition: Callable[[], bool], *, within_s: float = 60.0) -> None:
    """Wait for a fact."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.01)


async def events_of(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, Any]]:
    """Read server-sent events as a browser does."""
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
