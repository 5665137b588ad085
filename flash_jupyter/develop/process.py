"""The process that imports a project and answers requests; its supervisor starts a new one when a file was saved.

`python -m flash_jupyter.develop.process PATH --socket FD --reports FD [--first] [--provision]`. It ends when its
standard input does: its supervisor wants that, or is gone.
"""

from __future__ import annotations

import argparse
import os
import socket
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from flash_jupyter.build.sources import read_project
from flash_jupyter.develop.app import broken_app, find_app, make_app
from flash_jupyter.develop.discover import load
from flash_jupyter.develop.places import places_of, provision, specs_of
from flash_jupyter.develop.reports import Reporter
from flash_jupyter.errors import FlashError
from flash_jupyter.session.default import provide
from flash_jupyter.session.links import Links
from flash_jupyter.session.session import Session
from flash_jupyter.settings import read_settings

#: how long requests may go on once the server is to end, in whole seconds; then their jobs are cancelled
GRACE_S = 1


@dataclass(frozen=True)
class Task:
    """What this process is to do. `is_first`: nothing was served before, so a broken project ends it."""

    path: Path
    provision: bool = False
    is_first: bool = False


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
        "routes": [route.to_json() for route in routes],
    }


def _wait_for_end(stopping: threading.Event) -> None:
    while os.read(0, 1024):  # not `sys.stdin`, whose lock would be held when the interpreter ends
        pass
    stopping.set()


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
