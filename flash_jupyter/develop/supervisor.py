"""`flash run`: listens, starts the process that serves, starts a new one when a file was saved, and cleans up.

The socket stays open meanwhile, so a request that comes while the project is imported again waits, and is answered.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from flash_jupyter.build.sources import read_project
from flash_jupyter.develop.address import Listener, asked_for, listen
from flash_jupyter.develop.watching import Digests, changed, sources
from flash_jupyter.errors import ApiError, FlashError
from flash_jupyter.resources.endpoint import OWNER
from flash_jupyter.session.links import Link
from flash_jupyter.session.session import Session
from flash_jupyter.settings import Settings

#: how long a process may take to end before it is killed, in seconds: its jobs are cancelled meanwhile
STOP_S = 15.0
#: between two looks whether the process still runs, in milliseconds
LOOK_MS = 500

#: is told what happens, as `--json` prints it
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class RunOptions:
    """What the user asked for; host and port are None where nothing was said."""

    path: Path
    host: str | None = None
    port: int | None = None
    reload: bool = True
    provision: bool = False

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.path if self.path.is_dir() else self.path.parent


@dataclass
class Process:
    """One serving process, and the thread that reads its reports."""

    child: subprocess.Popen[bytes]
    reader: threading.Thread

    def stop(self) -> None:
        """End it, first by asking."""
        assert self.child.stdin is not None
        self.child.stdin.close()
        try:
            self.child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.reader.join()


@dataclass(frozen=True)
class Removed:
    """Names that a listing no longer shows, names that it does or may, and why."""

    deleted: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    problem: FlashError | None = None


@dataclass
class Supervisor:
    """One `flash run`; `stop` may be set from anywhere, a signal handler for example."""

    settings: Settings
    options: RunOptions
    report: Report
    #: where the child's own output goes, a file descriptor; None is where ours goes
    output: int | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    #: the endpoints that this run has made: name -> id, None while it is not known whether it was made
    _made: dict[str, str | None] = field(default_factory=dict)
    _prices: dict[str, float | None] = field(default_factory=dict)
    _has_served: bool = False

    def run(self) -> int:
        """Serve until `stop` is set; returns the exit code: 1 where it could not serve, or left something behind.

        Raises `BuildError` for what is no project, and `SettingsError` for an address that can't be had.
        """
        read_project(self.options.path)  # what is wrong with it is said before anything starts
        listener = listen(*asked_for(self.settings, self.options.host, self.options.port))
        with listener.sock:
            try:
                is_served = self._serve(listener)
            finally:
                removed = self._clean_up()
        return 0 if is_served and not removed.left else 1

    def _serve(self, listener: Listener) -> bool:
        """Start the process, and again after changes; returns whether it could serve at all."""
        digests = Digests(self.options.path)
        seen, process = digests.look(), self._start(listener)
        try:
            while not self.stop.is_set():
                self._wait_for_change()
                if process.child.poll() is not None:
                    process.reader.join()
                    if not (self._has_served and self.options.reload):
                        return self.stop.is_set()
                now = digests.look() if self.options.reload else seen
                if not self.stop.is_set() and (files := changed(seen, now)):
                    self.report({"event": "reloading", "files": [self._named(file) for file in files]})
                    process.stop()
                    seen, process = now, self._start(listener)
        finally:
            process.stop()
        return self._has_served

    def _wait_for_change(self) -> None:
        """Return when a file was saved, at a stop, and now and then."""
        if not self.options.reload:
            self.stop.wait(LOOK_MS / 1000)
            return
        from watchfiles import watch

        folders = {self.options.root, *(file.parent for file in sources(self.options.path))}
        for _ in watch(
            *folders,
            watch_filter=None,
            stop_event=self.stop,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            recursive=False,
            raise_interrupt=False,
        ):
            return

    def _start(self, listener: Listener) -> Process:
        reading, writing = os.pipe()
        command = [sys.executable, "-m", "flash_jupyter.develop.process", str(self.options.path)]
        command += ["--socket", str(listener.sock.fileno()), "--reports", str(writing)]
        command += [*(["--provision"] if self.options.provision else []), *([] if self._has_served else ["--first"])]
        root = self.options.root
        child = subprocess.Popen(
            command,
            cwd=root,
            env={**self.settings.environ, "FLASH_IS_LIVE_PROVISIONING": "true"},
            stdin=subprocess.PIPE,
            stdout=self.output,
            pass_fds=(listener.sock.fileno(), writing),
            start_new_session=True,  # Ctrl-C is for us: we end it
        )
        os.close(writing)
        reader = threading.Thread(target=self._read, args=(reading, listener), daemon=True)
        reader.start()
        return Process(child, reader)

    def _read(self, reading: int, listener: Listener) -> None:
        with os.fdopen(reading, "rb") as stream:
            for report in read_reports(stream):
                self._take(report, listener)

    def _take(self, report: dict[str, Any], listener: Listener) -> None:
        if report["event"] == "made":
            self._made[report["name"]] = report["id"]
            return
        if report["event"] == "serving":
            self._has_served = True
            for route in report["routes"]:
                if route["place"]:
                    self._prices[route["place"]["endpoint"]] = route["place"]["usd_per_hour"]
            where = {"url": listener.url, "taken": listener.taken, "is_public": listener.is_public}
            report = {**report, **where, "reload": self.options.reload}
        self.report(report)

    def _clean_up(self) -> Removed:
        """Delete the endpoints that this run has made, and say what became of them."""
        self.report({"event": "stopping", "endpoints": sorted(self._made)})
        session = Session(self.settings)
        try:
            removed = remove(self._made, session)
        except KeyboardInterrupt:
            removed = Removed(left=tuple(self._made), problem=FlashError("interrupted while they were removed"))
        finally:
            session.close()
        left = [{"name": name, "usd_per_hour": self._prices.get(name)} for name in removed.left]
        problem = removed.problem.message if removed.problem else ""
        self.report({"event": "stopped", "deleted": list(removed.deleted), "left": left, "problem": problem})
        return removed

    def _named(self, file: Path) -> str:
        root = self.options.root
        return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)


def remove(made: Mapping[str, str | None], session: Session) -> Removed:
    """Delete what a run has made; blocking, and true: what is reported as deleted is not listed any more."""
    if not made:
        return Removed()
    try:
        return session.loop.call(_remove(made, session.links.open(session.settings.backend), session.settings.owner))
    except FlashError as error:
        return Removed(left=tuple(made), problem=error)


async def _remove(made: Mapping[str, str | None], link: Link, owner: str) -> Removed:
    ids = {endpoint_id for endpoint_id in made.values() if endpoint_id}
    # its process ended between the request and the answer: there was none of this name before
    unsure = {name for name, endpoint_id in made.items() if endpoint_id is None}
    listed = await link.control.endpoints()
    mine = [e for e in listed if e.id in ids or (e.name in unsure and e.env.get(OWNER) == owner)]
    names = {endpoint.id: endpoint.name for endpoint in mine}
    try:
        await link.provisioner.undeploy(mine)
    except ApiError as error:
        still = {endpoint.id for endpoint in await link.control.endpoints()}
        left = tuple(name for key, name in names.items() if key in still)
        return Removed(tuple(name for key, name in names.items() if key not in still), left, error if left else None)
    return Removed(tuple(names.values()))


def read_reports(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield reports until the sender is gone; half of one is none."""
    for line in stream:
        try:
            yield json.loads(line)
        except ValueError:
            return
