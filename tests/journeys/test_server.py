"""What a sidebar does, by a real client of a real Jupyter server: see, follow, stop and take away what a kernel made."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from lab_server import JupyterServer
from rest_document import assert_answer_fits

from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.local import local_info
from flash_jupyter.states import JobState

pytestmark = pytest.mark.journey

CELL = """%%remote cpu=cpu3c-2-4 name=followed {options}
import os, time
print("begun", flush=True)
while not os.path.exists({gate!r}): time.sleep(0.05)
print("over", flush=True)
x = 41 + 1
"""


class Sidebar:
    """Asks the routes as the page does; every answer must be as `rest-api.yml` says."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.heard: list[str] = []

    def ask(self, path: str, verb: str = "GET", status: int = 200) -> Any:
        answer = self.client.request(verb, path)
        self.heard.append(answer.text)
        assert_answer_fits(verb, path, answer.status_code, answer.text)
        assert answer.status_code == status, answer.text
        return answer.json()

    def endpoints(self) -> list[dict[str, Any]]:
        return list(self.ask("/endpoints")["endpoints"])

    def newest(self) -> dict[str, Any]:
        return dict((self.ask("/jobs?limit=1")["jobs"] or [{}])[0])

    def follow(self, path: str) -> Iterator[tuple[str, Any]]:
        """Yield events; the connection is closed with the generator."""
        with self.client.stream("GET", path) as response:
            assert response.headers["Content-Type"] == "text/event-stream"
            name, deadline = "", time.monotonic() + 60
            for line in response.iter_lines():
                assert time.monotonic() < deadline, f"{path} says no more: {self.heard[-3:]}"
                self.heard.append(line)
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))


def until(holds: Callable[[], Any], within_s: float = 60) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)
    return found


def read_until(events: Iterator[tuple[str, Any]], text: str) -> str:
    """Read log events until they have said it."""
    said = ""
    for name, data in events:
        assert name == "log", data
        said += str(data["text"])
        if text in said:
            return said
    raise AssertionError(f"the stream ended: {said}")


def state_of(desk: Any, job_id: str) -> JobState:
    with closing(JobStore(desk.settings.job_store)) as store:
        return store.find(job_id).state


@pytest.fixture
def server(desk: Any, tmp_path: Path) -> JupyterServer:
    """A server of the desk's user, as behind a hub; not started yet."""
    server = JupyterServer(tmp_path / "jupyter", application="server", base_url="/user/ann/")
    server.environment |= {"FLASH_JUPYTER_HOME": str(desk.home)}
    server.folder = desk.folder
    return server


def test_a_cells_endpoint_and_job_are_seen_followed_and_taken_away(desk: Any, server: JupyterServer) -> None:
    gate = desk.folder / "gate"
    with server, server.client() as client:
        sidebar = Sidebar(client)
        assert [each["state"] for each in sidebar.ask("/about")["backends"]] == ["asleep", "no key"]
        assert sidebar.endpoints() == []
        assert local_info(desk.settings) is None, "it was not started to be asked"

        notebook = desk.open()
        cell = notebook.start(CELL.format(options="", gate=str(gate)))
        job = until(lambda: (found := sidebar.newest()) and found["state"] == "IN_PROGRESS" and found)
        (endpoint,) = sidebar.endpoints()
        assert (endpoint["name"], endpoint["backend"], endpoint["whose"]) == ("followed", "local", "ours")
        assert (endpoint["state"], endpoint["job_counts"]) == ("running", {"queued": 0, "running": 1})
        (worker,) = sidebar.ask(f"/endpoints/local/{endpoint['id']}/workers")["workers"]
        assert worker["state"] == "RUNNING"

        of_job = sidebar.follow(f"/jobs/{job['id']}/logs")
        of_endpoint = sidebar.follow(f"/endpoints/local/{endpoint['id']}/logs")
        read_until(of_job, "begun\n")
        read_until(of_endpoint, "begun\n")
        gate.touch()
        read_until(of_job, "over\n")
        read_until(of_endpoint, "over\n")
        assert list(of_job) == [("end", {"state": "COMPLETED", "error": None})]
        assert not notebook.wait(cell).ename
        gate.unlink()

        cell = notebook.start(CELL.format(options="", gate=str(gate)))
        job = until(lambda: (found := sidebar.newest()) and found["state"] == "IN_PROGRESS" and found)
        ended = sidebar.ask(f"/jobs/{job['id']}/cancel", "POST")
        assert (ended["state"], ended["is_confirmed"]) == ("CANCELLED", True), ended
        assert notebook.wait(cell).ename

        assert sidebar.ask(f"/endpoints/local/{endpoint['id']}", "DELETE") == {"deleted": ["followed"]}
        assert sidebar.endpoints() == []
        assert sidebar.ask(f"/endpoints/local/{endpoint['id']}", "DELETE", 404)["type"] == "OptionError"
        assert until(lambda: next(of_endpoint, ("end", {}))[0] == "end"), "a log ends with its endpoint"

        key = local_info(desk.settings).api_key  # type: ignore[union-attr]
        assert not any(key in text for text in sidebar.heard)
        assert sidebar.ask("/local/stop", "POST") == {"stopped": True}
    assert key not in server.log
    assert "Traceback" not in server.log


def test_a_job_that_nobody_follows_any_more_is_brought_home_while_the_server_lives(
    desk: Any, server: JupyterServer
) -> None:
    gate = desk.folder / "gate"
    notebook = desk.open()
    told = notebook.ok(CELL.format(options="detach", gate=str(gate)))
    job_id = re.search(r"fj-[0-9a-f]{12}", str(told.status_lines) + str(told.displays) + str(told.result))
    assert job_id is not None, told
    until(lambda: state_of(desk, job_id[0]) is JobState.IN_PROGRESS)
    kernel = psutil.Process(notebook.manager.provisioner.pid)
    (collector,) = until(lambda: [each for each in kernel.children() if "collector" in "".join(each.cmdline())])
    for process in (collector, kernel):  # as the machine's end would
        os.kill(process.pid, signal.SIGKILL)
    gate.touch()
    with server, server.client() as client:
        sidebar = Sidebar(client)
        home = until(lambda: (found := sidebar.ask(f"/jobs/{job_id[0]}"))["has_result"] and found)
        assert home["state"] == "COMPLETED"
    second = desk.open()
    attached = second.ok(f"%flash attach {job_id[0]}")
    assert "begun\nover\n" in attached.stdout
    assert second.value("x") == 42
