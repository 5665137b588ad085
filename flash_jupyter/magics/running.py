"""`%flash run` and `%flash run stop`: the server of `flash run`, in the background of a notebook.

It is a process of its own, which an interrupt of the kernel does not reach, and which ends, and removes what it made,
when the kernel ends, however that comes about: it listens to a pipe that only the kernel holds.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flash_jupyter.errors import FlashError, OptionError
from flash_jupyter.magics.source import find_source
from flash_jupyter.magics.words import read_words
from flash_jupyter.settings import Settings
from flash_jupyter.views.format import one_line
from flash_jupyter.views.publisher import Display, Publisher, prompt
from flash_jupyter.views.run import event_text, serving_bundle, stopped_bundle

VALUES = {"host", "port"}
FLAGS = {"auto-provision", "no-reload"}
HINT = "%flash run stop ends it"
#: how long a server may take to end; endpoints are deleted meanwhile
STOP_S = 60.0


class BackgroundServer:
    """One server, and the display that says where it is; the display follows what happens."""

    def __init__(self, command: list[str], environ: Mapping[str, str], log: Path, publisher: Publisher) -> None:
        self._display = Display(publisher)
        self._stopped: dict[str, Any] = {}
        self._ready = threading.Event()
        self.error: dict[str, str] | None = None
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                env=dict(environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name="flash_jupyter run", daemon=True)
        self._reader.start()

    @property
    def is_running(self) -> bool:
        """Whether it is there."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Return when it answers, or has ended; an interrupt ends it."""
        try:
            while not self._ready.wait(0.2):
                pass
        except KeyboardInterrupt:
            self.stop()
            raise

    def stop(self) -> dict[str, Any]:
        """End it, and return its last event: what became of its endpoints."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it goes on removing by itself
            self._process.wait(STOP_S)
            self._reader.join(STOP_S)
        return self._stopped

    def failure(self) -> FlashError:
        """Say why it has ended by itself."""
        error = self.error or _last_error(self.log)
        if error is None:
            return FlashError("the server has ended", fix=f"see {self.log}")
        return FlashError(error["message"], fix=error["fix"])

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                self._take(json.loads(line))
        self._process.wait()
        self._ready.set()

    def _take(self, event: dict[str, Any]) -> None:
        if event["event"] == "serving":
            self.error = None
            self._display.show(serving_bundle(event, HINT))
            self._ready.set()
        elif event["event"] == "stopped":
            self._stopped = event
        elif event["event"] == "broken":
            self.error = event["error"]
            if self._ready.is_set():
                self._display.show(one_line(event_text(event)))
        elif text := event_text(event):
            self._display.show(one_line(text))


class Running:
    """The server of one kernel: there is one at a time."""

    def __init__(self) -> None:
        self._server: BackgroundServer | None = None

    def run(self, shell: Any, settings: Settings, arguments: list[str]) -> None:
        """Do what the words behind `%flash run` say: start a server, or `stop` the one that runs.

        Raises `OptionError`, and `FlashError` with the reason where it could not start.
        """
        if arguments == ["stop"]:
            self._stop(shell)
            return
        words, given = read_words(arguments, "run", values=VALUES, flags=FLAGS)
        path = find_source(words, "run", shell, settings)
        if self._server is not None and self._server.is_running:
            raise OptionError("a server of this kernel runs already", fix="end it first: %flash run stop")
        self._server = BackgroundServer(
            _command(path, given),
            {**settings.environ, "FLASH_JUPYTER_BACKEND": settings.backend},
            settings.home / "logs" / "flash-run.log",
            prompt(shell.display_pub),
        )
        self._server.wait_until_ready()
        if not self._server.is_running:
            raise self._server.failure()

    def close(self) -> None:
        """End the server, if there is one; says nothing."""
        server, self._server = self._server, None
        if server is not None and server.is_running:
            server.stop()

    def _stop(self, shell: Any) -> None:
        server, self._server = self._server, None
        if server is None or not server.is_running:
            shell.display_pub.publish(one_line("no server of this kernel runs"))
            return
        event = server.stop()
        said = "it is still removing its endpoints" if server.is_running else "it has ended"
        shell.display_pub.publish(stopped_bundle(event) if event else one_line(f"{said}; see {server.log}"))


def _command(path: Path, given: Mapping[str, str]) -> list[str]:
    command = [sys.executable, "-c", "from flash_jupyter.cli import main; main()"]
    command += ["run", str(path), "--json", "--attached"]
    for name, value in given.items():
        command += [f"--{name}", value] if value else [f"--{name}"]
    return command


def _last_error(log: Path) -> dict[str, str] | None:
    """Return what the command line has written as JSON at its end; None where it ended otherwise."""
    for line in reversed(log.read_text(errors="replace").splitlines()):
        if line.startswith('{"error"'):
            error: dict[str, str] = json.loads(line)["error"]
            return error
    return None
