"""A new project works as it stands: as a script, as a notebook, and served; what serving made is gone afterwards."""

from __future__ import annotations

import json
import queue
import re
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


def init(desk: Any, folder: Path) -> Path:
    done = desk.python("-c", FLASH, "init", str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def endpoints(desk: Any) -> set[str]:
    session = Session(desk.settings)
    try:
        return {endpoint.name for endpoint in session.endpoints()}
    finally:
        session.close()


def post(url: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    answer = httpx.post(url, json=body, timeout=DEADLINE_S, trust_env=False)
    return answer.status_code, answer.json()


def test_a_new_project_runs_as_a_script(shared_desk: Any, tmp_path: Path) -> None:
    folder = init(shared_desk, tmp_path / "script")
    done = shared_desk.python(str(folder / "main.py"))
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "+2.0  A great day.\n-2.0  The coffee was awful.\n",
        "",
    )


def test_the_notebook_of_a_new_project_runs(shared_desk: Any, tmp_path: Path) -> None:
    notebook = nbformat.read(init(shared_desk, tmp_path / "cells") / "notebook.ipynb", as_version=4)
    kernel = shared_desk.open(load=False)
    cells = [kernel.ok(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    assert "".join(cell.stdout for cell in cells) == "+1.0: friendly\n"
    # where another test has left a warm worker the cell is short: one line, "on", nothing is added at its end
    lines = [cell.status for cell in cells if cell.status]
    assert any(re.match(r"(ran )?on the local Runpod · flash-cpu3g-2-8-", line) for line in lines), lines


def test_a_project_is_served_and_leaves_nothing_behind(shared_desk: Any, servers: list[Server], tmp_path: Path) -> None:
    folder, before = init(shared_desk, tmp_path / "served"), endpoints(shared_desk)
    servers.append(server := Server(shared_desk, cwd=folder))
    event = server.wait("serving")
    url = event["url"]
    assert {(route["method"], route["path"], route["function"]) for route in event["routes"]} == {
        ("GET", "/", "index"),
        ("POST", "/rate", "rate"),
        ("POST", "/served-cpu3g-2-8/runsync", "classify"),
        ("POST", "/served-cpu/runsync", "split"),
        ("POST", "/served-gpu/runsync", "score"),
    }
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


RELEASED = """
from runpod_flash import Endpoint

api = Endpoint(name="lb_worker", cpu="cpu3c-1-2", workers=(1, 3))


@Endpoint(name="cpu_worker", cpu="cpu3c-1-2")
async def hello(input_data: dict) -> dict:
    return {"message": input_data.get("message", "nothing")}


@api.post("/process")
async def process(input_data: dict) -> dict:
    return {"echo": input_data}
"""


def test_a_project_of_the_released_client_is_served_as_it_is(
    shared_desk: Any, servers: list[Server], tmp_path: Path
) -> None:
    (folder := tmp_path / "released").mkdir()
    (folder / "workers.py").write_text(RELEASED)
    servers.append(server := Server(shared_desk, cwd=folder))
    url = server.wait("serving")["url"]
    status, job = post(f"{url}/cpu_worker/runsync", {"input": {"input_data": {"message": "hi"}}})
    assert (status, job.get("output")) == (200, {"message": "hi"}), job
    assert post(f"{url}/process", {"input_data": {"a": 1}}) == (200, {"echo": {"a": 1}})
    assert sorted(server.end()["deleted"]) == ["cpu_worker", "lb_worker"]


WORKERS = """
import time
from flash_jupyter import CpuLiveLoadBalancer, CpuLiveServerless, remote

queue = CpuLiveServerless(name="{name}-queue")


@remote(queue)
def double(x):
    print("doubling")
    return {factor} * x


@remote(queue)
def nap(seconds):
    time.sleep(seconds)
    return seconds


@remote(CpuLiveServerless(name="{name}-counters"))
class Counter:
    def __init__(self):
        self.value = 0

    def add(self, n=1):
        self.value += n
        return self.value


@remote(CpuLiveLoadBalancer(name="{name}-api"), method="POST", path="/add/{{x}}")
def add(x: int, y: int = 1):
    return {{"sum": x + y}}
"""


def write(folder: Path, factor: int) -> None:
    (folder / "workers.py").write_text(WORKERS.format(name=folder.name, factor=factor))


@pytest.mark.slow
def test_queues_classes_and_routes_are_served_and_again_after_a_change(
    shared_desk: Any, servers: list[Server], tmp_path: Path
) -> None:
    (folder := tmp_path / "kinds").mkdir()
    write(folder, 2)
    servers.append(server := Server(shared_desk, "--auto-provision", cwd=folder))
    event = server.wait("serving")
    url = event["url"]
    assert endpoints(shared_desk) >= {"kinds-queue", "kinds-counters", "kinds-api"}
    assert {route["path"] for route in event["routes"]} == {
        "/add/{x}",
        "/kinds-queue/double/runsync",
        "/kinds-queue/nap/runsync",
        "/kinds-counters/runsync",
    }
    by_name = {"input": {"function": "double", "x": 3}}
    assert post(f"{url}/kinds-queue/runsync", by_name)[1]["output"] == 6
    assert [post(f"{url}/kinds-counters/runsync", {"input": {"n": 5}})[1]["output"] for _ in range(2)] == [5, 10]
    assert post(f"{url}/add/2", {"y": 40}) == (200, {"sum": 42})

    job = post(f"{url}/kinds-queue/nap/run", {"input": {"seconds": 600}})[1]
    assert post(f"{url}/kinds-queue/cancel/{job['id']}")[0] == 200
    deadline = time.monotonic() + DEADLINE_S
    while (state := get(f"{url}/kinds-queue/status/{job['id']}"))["status"] != "CANCELLED":
        assert time.monotonic() < deadline, state

    write(folder, 3)
    assert server.wait("reloading")["files"] == ["workers.py"]
    server.wait("serving")
    assert post(f"{url}/kinds-queue/double/runsync", {"input": {"x": 3}})[1]["output"] == 9
    (folder / "workers.py").write_text("import no_such_module_of_mine\n" + WORKERS.format(name="kinds", factor=3))
    assert "no_such_module_of_mine" in server.wait("broken")["error"]["message"]
    status, document = post(f"{url}/kinds-queue/double/runsync", {"input": {"x": 3}})
    assert (status, "no_such_module_of_mine" in document["error"]) == (503, True)
    stopped = server.end(signal.SIGTERM)
    assert (sorted(stopped["deleted"]), stopped["left"]) == (["kinds-api", "kinds-counters", "kinds-queue"], [])


def get(url: str) -> Any:
    return httpx.get(url, timeout=DEADLINE_S, trust_env=False).json()
