"""The connection to each backend: opened when it is first needed, and again where the embedded Runpod moved."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from flash_jupyter.session.local import ensure_local
from flash_jupyter.session.provision import Made, Provisioner
from flash_jupyter.session.situation import Sources, Waits
from flash_jupyter.session.streams import LogStreams
from flash_jupyter.settings import Backend, BackendName, Settings
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http
from flash_jupyter.transport.queue import CancelLine
from flash_jupyter.wire.control import Endpoint


@dataclass(frozen=True)
class Link:
    """Everything that speaks to one backend; used on the loop thread only."""

    backend: Backend
    http: Http
    control: Control
    provisioner: Provisioner
    streams: LogStreams
    waits: Waits
    #: endpoints whose worker has the driver, as far as we know
    equipped: set[str] = field(default_factory=set)
    #: ids of jobs whose end is waited for
    awaited: set[str] = field(default_factory=set)
    #: an endpoint's id -> its cancels
    cancels: defaultdict[str, CancelLine] = field(default_factory=lambda: defaultdict(CancelLine))
    #: endpoints that were asked for by their id (session/client.py)
    asked: dict[str, Endpoint] = field(default_factory=dict)

    async def aclose(self) -> None:
        """End the followers and close the connections."""
        await self.streams.aclose()
        await self.http.aclose()


class Links:
    """At most one link a backend. `open_local` and `transport` are seams: the local Runpod, and HTTP.

    `made` is told which endpoints are made.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        open_local: Callable[[Settings], Backend] = ensure_local,
        transport: Callable[[Backend], httpx.AsyncBaseTransport | None] = lambda _backend: None,
        made: Made = lambda _name, _id: None,
    ) -> None:
        self._made = made
        self._settings, self._open_local, self._transport = settings, open_local, transport
        self._lock = threading.Lock()
        self._links: dict[BackendName, Link] = {}
        self._old: list[Link] = []

    def known(self, name: BackendName) -> Link | None:
        """Return the link if it was opened before; no I/O."""
        return self._links.get(name)

    def open(self, name: BackendName) -> Link:
        """Make sure that the backend is there, starting the embedded Runpod where it is not; blocking.

        Raises `SettingsError` where there is no key, and `EmulatorError`.
        """
        with self._lock:
            backend = self._settings.cloud() if name == "runpod" else self._open_local(self._settings)
            link = self._links.get(name)
            if link is None or link.backend != backend:
                self._old += [link] if link else []
                link = self._links[name] = self._make(backend)
            return link

    async def aclose(self) -> None:
        """Close every link."""
        links, self._links, self._old = [*self._links.values(), *self._old], {}, []
        for link in links:
            await link.aclose()

    def _make(self, backend: Backend) -> Link:
        http = Http(backend, transport=self._transport(backend))
        control = Control(http)
        locks = self._settings.home / "locks"
        is_billed = backend.name == "runpod"
        provisioner = Provisioner(control, locks, is_billed=is_billed, made=self._made, now=http.server_now)
        streams = LogStreams(http)
        sources = Sources(control, streams, http.clock, self._settings.give_up_unhealthy_s)
        waits = Waits(sources, after_s=self._settings.waiting_after_s)
        return Link(backend, http, control, provisioner, streams, waits)
