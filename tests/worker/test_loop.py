"""The loop against a small server of the test's own: what it asks, what it reports, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from flash_jupyter.worker.loop import read_worker_settings

KEY = "raw-key"


class Server(ThreadingHTTPServer):
    """Hands out what is put into `jobs`, collects what is reported into `results`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.jobs: queue.Queue[dict[str, Any]] = queue.Queue()
        self.stops: queue.Queue[list[str]] = queue.Queue()
        self.results: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.requests: list[tuple[str, str]] = []
        self.take_status = 200
        #: go with the answer to the next result
        self.following: list[dict[str, Any]] = []
        self._open: list[socket.socket] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.append(connection)
        return connection, address

    def handle_error(self, *_: object) -> None:
        """A worker that ended, or a server that was closed: both are meant."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers["Authorization"]))
        if "/ping/" in self.path:
            self._answer(200, {})
            return
        if self.server.take_status != 200:
            self._answer(self.server.take_status, {"error": "gone"})
            return
        try:
            if "/job-stop/" in self.path:
                self._answer(200, {"jobsToStop": self.server.stops.get(timeout=0.3)})
            else:
                self._answer(200, self.server.jobs.get(timeout=0.3))
        except queue.Empty:
            self._answer(204, None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.results.put((self.path, json.loads(body)))
        self._answer(200, self.server.following.pop() if self.server.following else {})

    def _answer(self, status: int, document: Any) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def environment(port: int, **changes: str) -> dict[str, str]:
    base = f"http://127.0.0.1:{port}/v2/ep"
    return {
        "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=CPU",
        "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=CPU",
        "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID?gpu=CPU",
        "RUNPOD_AI_API_KEY": KEY,
        "RUNPOD_POD_ID": "w1",
        "FLASH_JUPYTER_CANCEL_GRACE_S": "0.5",
        **changes,
    }


class Running:
    """Worker processes of one test."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []

    def __call__(self, port: int, **changes: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "flash_jupyter.worker.loop"]
        env = os.environ | environment(port, **changes)
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.processes.append(process)
        return process


@pytest.fixture
def start() -> Iterator[Running]:
    running = Running()
    yield running
    for process in running.processes:
        process.kill()
        process.communicate()


def job(code: str, job_id: str = "j1") -> dict[str, Any]:
    return {"id": job_id, "input": {"function_name": "f", "function_code": code, "serialization_format": "json"}}


def test_url_templates_are_filled_as_the_sdk_does() -> None:
    settings = read_worker_settings(environment(1))
    assert settings.take_url == "http://127.0.0.1:1/v2/ep/job-take/w1?gpu=CPU"
    assert settings.stop_url == "http://127.0.0.1:1/v2/ep/job-stop/w1?gpu=CPU"
    assert settings.done_url == "http://127.0.0.1:1/v2/ep/job-done/w1/$ID?gpu=CPU"
    assert settings.ping_interval_s == 10


def test_jobs_are_run_one_after_the_other_and_reported(server: Server, start: Running) -> None:
    start(server.port)
    for number in range(3):
        server.jobs.put(job(f"def f():\n    return {number}\n", f"j{number}"))
        path, result = server.results.get(timeout=60)
        assert path == f"/v2/ep/job-done/w1/j{number}?gpu=CPU&isStream=false&take=1"
        assert result["output"]["json_result"] == number
    takes = [request for request in server.requests if "job-take" in request[0]]
    assert takes[0] == ("/v2/ep/job-take/w1?gpu=CPU&job_in_progress=0", KEY)


def test_a_job_that_comes_with_the_answer_to_a_result_is_run_without_another_poll(
    server: Server, start: Running
) -> None:
    server.following.append(job("def f():\n    return 2\n", "j2"))
    server.jobs.put(job("def f():\n    return 1\n", "j1"))
    start(server.port)
    results = [server.results.get(timeout=60) for _ in range(2)]
    assert [result["output"]["json_result"] for _, result in results] == [1, 2]


def test_jobs_run_on_the_main_thread_without_a_loop(server: Server, start: Running) -> None:
    start(server.port)
    code = (
        "def f():\n    import asyncio, threading\n"
        "    return [threading.current_thread() is threading.main_thread(), asyncio._get_running_loop() is None]\n"
    )
    server.jobs.put(job(code))
    assert server.results.get(timeout=60)[1]["output"]["json_result"] == [True, True]


def test_the_running_job_is_in_the_ping(server: Server, start: Running) -> None:
    start(server.port, RUNPOD_PING_INTERVAL="100")
    server.jobs.put(job("def f():\n    import time\n    time.sleep(0.5)\n"))
    server.results.get(timeout=60)
    assert ("/v2/ep/ping/w1?gpu=CPU", KEY) in server.requests
    assert ("/v2/ep/ping/w1?gpu=CPU&job_id=j1", KEY) in server.requests


def test_a_result_waits_for_a_server_that_was_started_anew(server: Server, start: Running) -> None:
    start(server.port)
    server.jobs.put(job("def f():\n    import time\n    time.sleep(0.5)\n    return 'kept'\n"))
    while not server.jobs.empty():
        time.sleep(0.01)
    time.sleep(0.2)
    server.close()
    time.sleep(0.8)
    again = Server(server.port)
    assert again.results.get(timeout=60)[1]["output"]["json_result"] == "kept"
    again.jobs.put(job("def f():\n    return 'next'\n", "j2"))
    assert again.results.get(timeout=60)[1]["output"]["json_result"] == "next"
    again.close()


STOPPED = [
    ("a sleep", "def f():\n    import time\n    print('begun', flush=True)\n    time.sleep(60)\n"),
    ("an endless loop", "def f():\n    print('begun', flush=True)\n    while True:\n        pass\n"),
    (
        "one that catches everything",
        (
            "def f():\n    import time\n    print('begun', flush=True)\n    while True:\n"
            "        try:\n            time.sleep(60)\n        except BaseException:\n            pass\n"
        ),
    ),
]


@pytest.mark.parametrize("code", [case[1] for case in STOPPED], ids=[case[0] for case in STOPPED])
def test_a_stopped_job_ends_the_worker_and_reports_nothing(server: Server, start: Running, code: str) -> None:
    worker = start(server.port)
    server.jobs.put(job(code))
    assert worker.stdout is not None
    assert worker.stdout.readline() == "begun\n"
    server.stops.put(["j1"])
    assert worker.wait(60) == 0
    assert server.results.empty()


def test_the_stop_of_another_job_does_nothing(server: Server, start: Running) -> None:
    start(server.port)
    server.stops.put(["other"])
    server.jobs.put(job("def f():\n    import time\n    time.sleep(0.5)\n    return 1\n"))
    assert server.results.get(timeout=60)[1]["output"]["json_result"] == 1


def test_a_worker_without_a_server_ends(server: Server, start: Running) -> None:
    server.close()
    worker = start(server.port, FLASH_JUPYTER_SERVER_WAIT_S="0.3")
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert output == f"worker w1 ends: no answer from 127.0.0.1:{server.port} for 0.3 s\n"


def test_a_worker_that_is_refused_ends(server: Server, start: Running) -> None:
    server.take_status = 404
    worker = start(server.port)
    output, _ = worker.communicate(timeout=60)
    assert (worker.returncode, output) == (0, "worker w1 ends: job-take answered 404\n")


def test_a_job_that_wants_a_fresh_worker_ends_this_one(server: Server, start: Running) -> None:
    worker = start(server.port)
    code = "def f():\n    return 1\ndef g():\n    return 2\nf.blocking, f.ends_worker = g, lambda: True\n"
    server.jobs.put(job(code))
    assert server.results.get(timeout=60)[1]["stopPod"] is True
    assert worker.wait(60) == 0
