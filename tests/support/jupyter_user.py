"""Whom the tests of the Jupyter extension serve: one user's folder, and a platform that is made up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from platform_app import Platform

from flash_jupyter.server.desk import Desk
from flash_jupyter.server.service import Service
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.links import Links
from flash_jupyter.session.local import running_local
from flash_jupyter.session.records import JobRecord
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


def events_of(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """Read server-sent events as a browser does."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


class Page:
    """Reads one stream of events as a page does, from a thread: it shares a loop with the server.

    A synchronous client leaves nothing behind when it is closed in the middle; an asynchronous one leaves generators
    that its loop has to end, and the loop of a test may be closed before that.
    """

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url, self._client = url, httpx.Client(headers=headers, timeout=60)

    async def __aenter__(self) -> Page:
        request = self._client.build_request("GET", self._url)
        self._response = await asyncio.to_thread(self._client.send, request, stream=True)
        self.headers = self._response.headers
        self._events = events_of(self._response.iter_lines())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._response.close()
        self._client.close()

    async def event(self) -> tuple[str, Any] | None:
        """Return the next event; None where the stream has ended."""
        return await asyncio.to_thread(next, self._events, None)

    async def events(self) -> list[tuple[str, Any]]:
        """Return all that comes until the stream ends."""
        return await asyncio.to_thread(list, self._events)
