"""A new project works as it stands: as a script, as a notebook, and served; what serving made is gone afterwards."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from environment import plain_environment

from flash_jupyter.session.session import Session

pytestmark = pytest.mark.journey

FLASH = "from flash_jupyter.cli import main; main()"
DEADLINE_S = 90.0


class Server:
    """One `flash run --json`, as a program that starts it sees it."""

    def __init__(self, desk: Any, *arguments: str, cwd: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", FLASH, "run", "--json", "--port", "0", *arguments],
            cwd=cwd,
            env=plain_environment(desk.home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.stderr = ""
        self._readers = [threading.Thread(target=self._read), threading.Thread(target=self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:
                self.events.put(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stderr:
            self.stderr = stderr.read()

    def wait(self, event: str) -> dict[str, Any]:
        """Read events up to the one that is named."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            found = self.events.get(timeout=max(0.1, deadline - time.monotonic()))
            if found["event"] == event:
                return found

    def end(self, number: int = signal.SIGINT) -> dict[str, Any]:
        """Send a signal, as Ctrl-C does, and return what became of the endpoints."""
        self.process.send_signal(number)
        stopped = self.wait("stopped")
        self.process.wait(DEADLINE_S)
        return stopped

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    started: list[Server] = []
    yield started
    for server in started:
        server.close()


def init(desk: Any, name: str) -> Path:
    done = desk.python("-c", FLASH, "init", name)
    assert (done.returncode, done.stderr) == (0, "")
    return Path(desk.folder / name)


def endpoints(desk: Any) -> set[str]:
    session = Session(desk.settings)
    try:
        return {endpoint.name for endpoint in session.endpoints()}
    finally:
        session.close()


def post(url: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    answer = httpx.post(url, json=body, timeout=DEADLINE_S, trust_env=False)
    return answer.status_code, answer.json()


def test_a_new_project_runs_as_a_script(shared_desk: Any) -> None:
    folder = init(shared_desk, "script")
    done = shared_desk.python(str(folder / "main.py"))
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "+2.0  A great day.\n-2.0  The coffee was awful.\n",
        "",
    )


def test_the_notebook_of_a_new_project_runs(shared_desk: Any) -> None:
    notebook = nbformat.read(init(shared_desk, "cells") / "notebook.ipynb", as_version=4)
    kernel = shared_desk.open(load=False)
    cells = [kernel.ok(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    assert "".join(cell.stdout for cell in cells) == "+1.0: friendly\n"
    assert any(cell.status.startswith("ran on the local Runpod") for cell in cells)


def test_a_project_is_served_and_leaves_nothing_behind(shared_desk: Any, servers: list[Server]) -> None:
    folder, before = init(shared_desk, "served"), endpoints(shared_desk)
    servers.append(server := Server(shared_desk, cwd=folder))
    event = server.wait("serving")
    url = event["url"]
    assert [(route["method"], route["path"], route["function"]) for route in event["routes"]] == [
        ("GET", "/", "index"),
        ("POST", "/rate", "rate"),
        ("POST", "/served-cpu3g-2-8/runsync", "classify"),
        ("POST", "/served-cpu/runsync", "split"),
        ("POST", "/served-gpu/runsync", "score"),
    ]
    assert post(f"{url}/rate?text=A+great+day.") == (200, {"A great day.": 2.0})
    status, job = post(f"{url}/served-cpu/runsync", {"input": {"text": "One. Two."}})
    assert (status, job["status"], job["output"]) == (200, "COMPLETED", ["One.", "Two."])
    status, job = post(f"{url}/served-gpu/runsync", {"input": {"sentences": [1]}})
    assert (status, job["status"], job["type"]) == (500, "FAILED", "AttributeError")
    assert any("in score" in line for line in job["traceback"])
    assert post(f"{url}/served-gpu/runsync", {"input": {"words": []}})[0] == 422
    assert "/served-gpu/runsync" in httpx.get(f"{url}/openapi.json", trust_env=False).json()["paths"]
    assert endpoints(shared_desk) - before == {"served-cpu", "served-gpu"}

    stopped = server.end()
    assert (sorted(stopped["deleted"]), stopped["left"]) == (["served-cpu", "served-gpu"], [])
    assert server.process.returncode == 0
    assert endpoints(shared_desk) == before
