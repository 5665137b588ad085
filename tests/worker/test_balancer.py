"""The HTTP worker as a process: its two routes, one function at a time, and what happens when the client goes away."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulated import function_request, unpickled, wait_for

SLEEP = "def f(path):\n    import time\n    open(path, 'w').close()\n    time.sleep(60)\n"
STUBBORN = (
    "def f(path):\n    import time\n    open(path, 'w').close()\n    while True:\n"
    "        try:\n            time.sleep(60)\n        except BaseException:\n            pass\n"
)


class Worker:
    """A worker on a free port, and a client for it."""

    def __init__(self, **changes: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        environment = {"PORT": str(self.port), "FLASH_JUPYTER_CANCEL_GRACE_S": "0.5", **changes}
        command = [sys.executable, "-m", "flash_jupyter.worker.balancer"]
        self.process = subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE, text=True)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)
        wait_for(self._is_there)

    def _is_there(self) -> bool:
        try:
            return self.client.get("/ping").status_code == 200
        except httpx.ConnectError:
            return False

    def execute(self, code: str, *args: Any, **changes: Any) -> dict[str, Any]:
        answer = self.client.post("/execute", json={**function_request(code, *args), **changes})
        assert answer.status_code == 200
        response: dict[str, Any] = answer.json()
        return response

    def give_up(self, code: str, mark: Path) -> None:
        """Ask for a function and go away when it has begun, which it says with a file."""
        body = json.dumps(function_request(code, str(mark))).encode()
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"POST /execute HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            wait_for(mark.exists)

    def stop(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start() -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def start(**changes: str) -> Worker:
        workers.append(Worker(**changes))
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop()


@pytest.fixture
def worker(start: Callable[..., Worker]) -> Worker:
    return start()


def test_ping_says_healthy(worker: Worker) -> None:
    answer = worker.client.get("/ping")
    assert (answer.status_code, answer.json()) == (200, {"status": "healthy"})


def test_a_function_request_is_run_bare_or_wrapped(worker: Worker) -> None:
    request = function_request("def f(a, b):\n    print('adding')\n    return a + b\n", 2, 3)
    for body in (request, {"input": request}):
        answer = worker.client.post("/execute", json=body)
        assert answer.status_code == 200
        assert unpickled(answer.json()) == 5
        assert answer.json()["stdout"] == "adding\n"


def test_a_function_that_fails_is_answered_with_200(worker: Worker) -> None:
    response = worker.execute("def f():\n    raise ValueError('no')\n")
    assert response["success"] is False
    assert response["error"].startswith("no\nTraceback")
    assert worker.execute("def g():\n    pass\n")["error"] == "function 'f' is not defined by function_code"


def test_a_body_in_chunks_is_understood(worker: Worker) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"function_name": "f", "serialization_format": "json", '
        yield b'"function_code": "def f(): return 7"}'

    assert worker.client.post("/execute", content=chunks()).json()["json_result"] == 7


REFUSED = [
    ("no JSON", "POST", "/execute", b"{", 422),
    ("no object", "POST", "/execute", b"[]", 422),
    ("no object inside", "POST", "/execute", b'{"input": 1}', 422),
    ("another path", "GET", "/other", b"", 404),
    ("another method", "GET", "/execute", b"", 405),
    ("another method for ping", "POST", "/ping", b"", 405),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_what_is_refused(worker: Worker, method: str, path: str, body: bytes, status: int) -> None:
    answer = worker.client.request(method, path, content=body)
    assert answer.status_code == status
    assert set(answer.json()) == {"detail"}


def test_functions_run_on_the_main_thread_one_after_the_other_and_ping_does_not_wait(worker: Worker) -> None:
    code = (
        "def f():\n    import threading, time\n    began = time.monotonic()\n    time.sleep(2)\n"
        "    main = threading.current_thread() is threading.main_thread()\n    return [main, began, time.monotonic()]\n"
    )
    with ThreadPoolExecutor() as threads:
        asked = [threads.submit(worker.execute, code, serialization_format="json") for _ in range(2)]
        time.sleep(0.2)
        assert worker.client.get("/ping").status_code == 200
        assert not all(each.done() for each in asked)
        first, second = sorted((each.result(60)["json_result"] for each in asked), key=lambda times: times[1])
    assert first[0] is second[0] is True
    assert first[2] <= second[1]


def test_a_client_that_goes_away_stops_its_function_and_not_the_worker(worker: Worker, tmp_path: Path) -> None:
    worker.give_up(SLEEP, tmp_path / "begun")
    began = time.monotonic()
    assert unpickled(worker.execute("def f():\n    return 'next'\n")) == "next"
    assert time.monotonic() - began < 30  # the function before it sleeps for a minute


def test_an_order_whose_client_went_away_before_its_turn_is_not_run(worker: Worker, tmp_path: Path) -> None:
    wait = "def f(path):\n    import os, time\n    while not os.path.exists(path):\n        time.sleep(0.01)\n"
    mark = "def f(path):\n    open(path, 'w').close()\n"
    with ThreadPoolExecutor() as threads:
        running = threads.submit(worker.execute, wait, str(tmp_path / "go"))
        time.sleep(0.2)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{worker.client.base_url}/execute",
                json=function_request(mark, str(tmp_path / "ran")),
                timeout=0.3,
            )
        time.sleep(0.1)
        (tmp_path / "go").touch()
        assert running.result(60)["success"]
    worker.execute("def f():\n    pass\n")
    assert not (tmp_path / "ran").exists()


def test_a_function_that_does_not_stop_ends_the_worker(worker: Worker, tmp_path: Path) -> None:
    worker.give_up(STUBBORN, tmp_path / "begun")
    assert worker.process.wait(60) == 1
    assert worker.process.stderr is not None
    assert worker.process.stderr.read() == "worker ends: a function did not stop when its client went away\n"


def test_a_signal_without_a_reason_interrupts_nothing(worker: Worker) -> None:
    with ThreadPoolExecutor() as threads:
        running = threads.submit(worker.execute, "def f():\n    import time\n    time.sleep(0.6)\n    return 1\n")
        time.sleep(0.3)
        worker.process.send_signal(signal.SIGINT)
        assert unpickled(running.result(60)) == 1


def test_a_worker_that_wants_to_be_ended_says_so(worker: Worker) -> None:
    code = "def f():\n    return 1\ndef g():\n    return 2\nf.blocking, f.ends_worker = g, lambda: True\n"
    answer = worker.client.post("/execute", json=function_request(code))
    assert unpickled(answer.json()) == 2
    assert "refresh_worker" not in answer.json()
    assert answer.headers["x-flash-jupyter-stop-worker"] == "1"
    assert worker.client.get("/ping").status_code == 503


def test_a_port_that_is_taken_ends_the_worker_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "flash_jupyter.worker.balancer"]
        result = subprocess.run(command, env=os.environ | {"PORT": port}, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == f"worker ends: port {port} can't be used: Address already in use\n"
