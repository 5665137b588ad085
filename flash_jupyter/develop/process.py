"""The process that imports a project and answers requests; its supervisor starts a new one when a file was saved.

`python -m flash_jupyter.develop.process PATH --socket FD --reports FD [--first] [--provision]`. It ends when its
standard input does: its supervisor wants that, or is gone. What it tells its supervisor is one JSON object a line:
`provisioning`: `text`. `made`: `name`, and `id`, which is None before the request. `serving`: `project`, `backend`,
`docs`, `routes`. `broken`: `error`, as `--json` writes errors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import uvicorn
from fastapi import FastAPI

from flash_jupyter.build.sources import read_project
from flash_jupyter.develop.app import broken_app, find_app, make_app
from flash_jupyter.develop.discover import Served, load
from flash_jupyter.errors import FlashError
from flash_jupyter.resources.endpoint import EndpointSpec, hardware
from flash_jupyter.session.calls import new_run
from flash_jupyter.session.cost import Prices, Rate
from flash_jupyter.session.default import provide
from flash_jupyter.session.endpoints import describe_hardware
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.session import Session
from flash_jupyter.settings import read_settings
from flash_jupyter.wire.control import Endpoint

#: how long requests may go on once the server is to end, in whole seconds; then their jobs are cancelled
GRACE_S = 1
Specs = Mapping[str, EndpointSpec]
#: what the limit on money may count for an endpoint that is made without a job, in seconds
NO_JOB_S = 1.0


@dataclass(frozen=True)
class Task:
    """What this process is to do. `is_first`: nothing was served before, so a broken project ends it."""

    path: Path
    provision: bool = False
    is_first: bool = False


class Reporter:
    """Tells the supervisor, from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def __call__(self, event: str, **fields: Any) -> None:
        """Send a report; nobody listens any more where the supervisor is gone."""
        line = json.dumps({"event": event, **fields}) + "\n"
        with self._lock:
            try:
                self._stream.write(line.encode())
                self._stream.flush()
            except OSError:
                return


class Server(uvicorn.Server):  # type: ignore[misc]  # uvicorn is untyped here
    """Tells when it answers, and ends when it is to."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event, report: Reporter, document: Any) -> None:
        super().__init__(config)
        self._stopping, self._report, self._document = stopping, report, document

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if not self.should_exit and self._document:
            self._report("serving", **self._document)

    async def on_tick(self, counter: int) -> bool:
        """Whether to end; asked ten times a second."""
        is_over: bool = await super().on_tick(counter)
        return is_over or self._stopping.is_set()


def serve(task: Task, sock: socket.socket, stopping: threading.Event, report: Reporter) -> int:
    """Import the project in the current folder and serve it until `stopping` is set; returns the exit code."""
    settings = read_settings()
    links = Links(settings, made=lambda name, endpoint_id: report("made", name=name, id=endpoint_id))
    session = Session(settings, links=links)
    provide(lambda: session)
    try:
        with tempfile.TemporaryDirectory(prefix="flash-run-") as scratch:
            try:
                app, document = _prepare(task, Path(scratch), session, report)
            except FlashError as error:
                report("broken", error={"type": type(error).__name__, "message": error.message, "fix": error.fix})
                if task.is_first:
                    return 1
                app, document = broken_app(error), {}
            config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_S)
            server = Server(config, stopping, report, document)
            server.run(sockets=[sock])
    finally:
        session.close()
    return 0 if server.started else 1


def _prepare(task: Task, scratch: Path, session: Session, report: Reporter) -> tuple[FastAPI, dict[str, Any]]:
    """Return the app, and what is reported of it once it answers."""
    project = read_project(task.path)
    served = load(project, scratch)
    own = find_app(project.root) if task.path.is_dir() else None
    specs = specs_of(served, session)
    if task.provision:
        provision(specs, session, lambda text: report("provisioning", text=text))
    app, routes = make_app(own, project.name, served, places_of(specs, session))
    return app, {
        "project": project.name,
        "backend": session.settings.backend,
        "docs": app.docs_url,
        "routes": [asdict(route) for route in routes],
    }


def _wait_for_end(stopping: threading.Event) -> None:
    while os.read(0, 1024):  # not `sys.stdin`, whose lock would be held when the interpreter ends
        pass
    stopping.set()


def specs_of(served: Iterable[Served], session: Session) -> dict[str, EndpointSpec]:
    """Return the endpoint of each resource, by the resource's name."""
    return {each.resource: each.target.spec(session) for each in served}


def places_of(specs: Specs, session: Session) -> dict[str, dict[str, Any]]:
    """Say of each resource where it runs, on what, and what a worker costs an hour, at most; None where that is free.

    Asks the catalogue for prices that our table has not, where something is charged.
    """
    backend = session.settings.backend
    prices: dict[str, float | None] = dict.fromkeys(specs)
    if backend == "runpod":
        prices = session.loop.call(_prices(specs, session.links.open(backend)))
    return {
        name: {
            "endpoint": spec.name,
            "hardware": describe_hardware(Endpoint(id="", name=spec.name, **hardware(spec))),
            "workers_min": spec.workers_min,
            "workers_max": spec.workers_max,
            "usd_per_hour": prices[name],
        }
        for name, spec in specs.items()
    }


async def _prices(specs: Specs, link: Link) -> dict[str, float | None]:
    prices = Prices(link.control.catalog)
    return {name: await prices.usd_per_hour(hardware(spec)) for name, spec in specs.items()}


def provision(specs: Specs, session: Session, say: Callable[[str], None]) -> None:
    """Make sure that all endpoints are there, several at once; `say` is told what takes time or costs money.

    Raises what the first one that fails raises: `CostLimitError`, `NoStockError` and other `ApiError`s.
    """
    link = session.links.open(session.settings.backend)

    async def ensure_all() -> None:
        await asyncio.gather(*(_ensure(spec, session, link, say) for spec in dict.fromkeys(specs.values())))

    session.loop.call(ensure_all())


async def _ensure(spec: EndpointSpec, session: Session, link: Link, say: Callable[[str], None]) -> None:
    request_id = new_run()

    def admit(rate: Rate) -> None:
        origin = link.backend.key_origin
        if text := session.budget.admit(request_id, spec.name, rate, timeout_s=NO_JOB_S, key_origin=origin):
            say(text)

    try:
        await link.provisioner.ensure(spec, say, admit)
    finally:
        session.budget.meter.ended(request_id)


def main() -> int:
    """Read the arguments and serve; returns the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--reports", type=int, required=True)
    parser.add_argument("--first", action="store_true")
    parser.add_argument("--provision", action="store_true")
    given = parser.parse_args()
    stopping = threading.Event()
    threading.Thread(target=_wait_for_end, args=(stopping,), daemon=True).start()
    task = Task(given.path, given.provision, given.first)
    with os.fdopen(given.reports, "wb") as reports, socket.socket(fileno=given.socket) as sock:
        return serve(task, sock, stopping, Reporter(reports))


if __name__ == "__main__":
    raise SystemExit(main())
