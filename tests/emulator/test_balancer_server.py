"""A real server process with real HTTP workers: cold start, a user's own server, streams, losses, restarts."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from contract import example
from emulated import BALANCER_ENDPOINT, RealServer, function_request, unpickled, wait_for
from user_server import COMMAND

pytestmark = pytest.mark.journey

Serve = Callable[..., RealServer]
SLOW = "def f(path):\n    import time\n    open(path, 'w').close()\n    time.sleep(60)\n"


def balanced(server: RealServer, **changes: Any) -> str:
    """Make an endpoint; returns its base path."""
    return f"/lb/{server.endpoint(**{**BALANCER_ENDPOINT, **changes})}"


def execute(server: RealServer, base: str, code: str, *args: Any) -> Any:
    answer = server.client.post(f"{base}/execute", json=function_request(code, *args))
    assert answer.status_code == 200, answer.text
    return unpickled(answer.json())


def pid_of(server: RealServer, base: str) -> int:
    return int(execute(server, base, "def f():\n    import os\n    return os.getpid()\n"))


def test_a_function_runs_from_a_cold_start_and_its_output_is_in_the_workers_log(server: RealServer) -> None:
    base = balanced(server)
    recorded = example("balancer-execute")
    answer = server.client.post(f"{base}/execute", json=recorded["request"]["body"])
    assert answer.status_code == recorded["response"]["status"]
    assert answer.json() == recorded["response"]["body"]
    assert execute(server, base, "def f(a):\n    print('adding')\n    return a + 1\n", 1) == 2
    (worker,) = server.workers(base[4:])
    assert worker["id"] == answer.headers["X-Runpod-Worker-Id"]
    assert worker["status"] == "IDLE"
    path = f"/v2/serverless/{base[4:]}/workers/{worker['id']}/logs"
    with server.client.stream("GET", path) as log:
        lines = (json.loads(line[6:]) for line in log.iter_lines() if line.startswith("data: "))
        assert next(line for line in lines if line["source"] == "container")["line"] == "adding"


def test_ping_wakes_a_worker(server: RealServer) -> None:
    base = balanced(server)
    assert server.client.get(f"{base}/ping").status_code == 204
    wait_for(lambda: server.client.get(f"{base}/ping").status_code == 200)
    assert server.client.get(f"{base}/ping").json() == {"status": "healthy"}


def test_a_users_own_server_answers_on_its_routes(server: RealServer) -> None:
    base = balanced(server, args=COMMAND, env={"PORT": "80", "MODEL": "small"})
    client = server.client
    assert client.post(f"{base}/add", json={"x": 2, "y": 3}).json() == {"result": 5}
    assert client.get(f"{base}/items/a%20b", params={"q": ["1", "2"]}).json()["query"] == {"q": ["1", "2"]}
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = client.request(method, f"{base}/echo", content=bytes(range(256)))
        assert (answer.headers["x-method"], answer.content) == (method, bytes(range(256)))
    assert (client.get(f"{base}/none").status_code, client.get(f"{base}/none").text) == (404, "Not Found")
    environment = client.get(f"{base}/env").json()
    assert environment["MODEL"] == "small"
    assert environment["PORT"] == environment["PORT_HEALTH"] != "80"
    assert environment["RUNPOD_ENDPOINT_ID"] == base[4:]
    assert server.info["api_key"] not in environment.values()
    redirected = client.get(f"{base}/redirect", follow_redirects=True)
    assert redirected.json()["item"] == "1"


def test_events_arrive_while_the_answer_is_still_being_made(server: RealServer, tmp_path: Path) -> None:
    base = balanced(server, args=COMMAND)
    with server.client.stream("GET", f"{base}/events", params={"folder": str(tmp_path)}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in answer.iter_lines() if line)
        for number in range(3):
            assert next(lines) == f"data: {number}"
            (tmp_path / str(number + 1)).touch()
        assert list(lines) == []


def test_large_bodies_go_through_without_being_held(server: RealServer) -> None:
    base = balanced(server, args=COMMAND)
    server.client.get(f"{base}/ping")
    wait_for(lambda: server.client.get(f"{base}/ping").status_code == 200)
    before = psutil.Process(server.process.pid).memory_info().rss

    def body() -> Iterator[bytes]:
        for _ in range(29):
            yield b"x" * (1 << 20)

    assert server.client.post(f"{base}/upload", content=body()).json() == {"size": 29 << 20}
    with server.client.stream("GET", f"{base}/download?kilobytes={29 << 10}") as answer:
        assert sum(len(piece) for piece in answer.iter_bytes()) == 29 << 20
    assert psutil.Process(server.process.pid).memory_info().rss - before < 25 << 20


def test_an_answer_that_outgrows_the_limit_on_its_way_is_cut(server: RealServer) -> None:
    base = balanced(server, args=COMMAND)
    with (
        pytest.raises(httpx.RemoteProtocolError),
        server.client.stream("GET", f"{base}/download?kilobytes={31 << 10}") as answer,
    ):
        for _ in answer.iter_bytes():
            pass
    assert server.client.get(f"{base}/items/1").status_code == 200


def test_an_answer_that_breaks_off_is_not_made_whole(server: RealServer) -> None:
    base = balanced(server, args=COMMAND)
    with pytest.raises(httpx.RemoteProtocolError):
        server.client.get(f"{base}/half")


def test_a_worker_that_dies_with_a_request_is_a_502_and_the_next_request_gets_another(server: RealServer) -> None:
    base = balanced(server, args=COMMAND)
    first = server.client.get(f"{base}/items/1").headers["X-Runpod-Worker-Id"]
    broken = server.client.get(f"{base}/die")
    assert broken.status_code == 502
    assert broken.json()["error"] == f"worker {first} broke off the request"
    assert broken.headers["X-Runpod-Worker-Id"] == first
    answer = server.client.get(f"{base}/items/1")
    assert answer.status_code == 200
    assert answer.headers["X-Runpod-Worker-Id"] != first
    assert server.log(base[4:], first)[-1] == f"worker {first} ended: exit code 3"


def test_a_killed_worker_is_a_502(server: RealServer, tmp_path: Path) -> None:
    base = balanced(server)
    pid = pid_of(server, base)
    with ThreadPoolExecutor() as threads:
        request = function_request(SLOW, str(tmp_path / "begun"))
        asked = threads.submit(server.client.post, f"{base}/execute", json=request)
        wait_for((tmp_path / "begun").exists)
        os.kill(pid, signal.SIGKILL)
        assert asked.result(60).status_code == 502
    assert pid_of(server, base) != pid


def test_twice_the_load_gets_a_second_worker(server: RealServer) -> None:
    base = balanced(server, scaling={"type": "REQUEST_COUNT", "requestCount": 1}, workers={"max": 2, "idleTimeout": 1})
    code = "def f():\n    import os, time\n    time.sleep(1.5)\n    return os.getpid()\n"
    with ThreadPoolExecutor() as threads:
        asked = [threads.submit(execute, server, base, code) for _ in range(4)]
        pids = [each.result(20) for each in asked]
    assert len(set(pids)) == 2
    assert sorted(pids.count(pid) for pid in set(pids)) == [2, 2]
    wait_for(lambda: not server.workers(base[4:]))


def test_a_client_that_goes_away_stops_its_function(server: RealServer, tmp_path: Path) -> None:
    base = balanced(server)
    pid = pid_of(server, base)
    with pytest.raises(httpx.ReadTimeout):
        server.client.post(f"{base}/execute", json=function_request(SLOW, str(tmp_path / "begun")), timeout=1)
    assert (tmp_path / "begun").exists()
    assert pid_of(server, base) == pid  # interrupted, and free for the next


def test_a_worker_that_wants_to_be_ended_gets_no_more_requests(server: RealServer) -> None:
    base = balanced(server)
    pid = pid_of(server, base)
    code = "def f():\n    return 1\ndef g():\n    return 2\nf.blocking, f.ends_worker = g, lambda: True\n"
    answer = server.client.post(f"{base}/execute", json=function_request(code))
    assert unpickled(answer.json()) == 2
    assert "x-flash-jupyter-stop-worker" not in answer.headers
    assert pid_of(server, base) != pid


def test_workers_live_on_through_a_restart_of_the_server(serve: Serve) -> None:
    server = serve()
    base = balanced(server)
    pid = pid_of(server, base)
    server.kill()
    server.start()
    assert server.workers(base[4:])[0]["status"] == "IDLE"
    assert server.client.get(f"{base}/ping").status_code == 200
    assert pid_of(server, base) == pid
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(pid))
    assert pid_of(server, base) != pid


def test_a_port_that_somebody_else_takes_first_costs_a_worker_and_no_request(server: RealServer) -> None:
    """The worker finds its port taken by a server that answers everything; no request must go there."""
    seen: list[bytes] = []
    mark = server.folder / "taken"
    # the first worker gives its port away and waits; the ones after it serve
    thief = (
        f"sh -c 'if [ -e {mark} ]; then exec {COMMAND}; fi; echo $PORT > {mark}.new; mv {mark}.new {mark}; sleep 1;"
        f" exec {COMMAND}'"
    )
    base = balanced(server, args=thief)
    with ThreadPoolExecutor() as threads:
        asked = threads.submit(server.client.get, f"{base}/items/1")
        wait_for(mark.exists)
        with socket.create_server(("127.0.0.1", int(mark.read_text()))) as taken:
            threading.Thread(target=_answer_everything, args=(taken, seen), daemon=True).start()
            answer = asked.result(20)
    assert answer.json()["item"] == "1"
    assert seen
    assert all(request.startswith(b"GET /ping ") for request in seen)


def _answer_everything(listener: socket.socket, seen: list[bytes]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            seen.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")


def test_sigterm_ends_server_and_http_workers_soon(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    base = balanced(server)
    pid = pid_of(server, base)
    client = httpx.Client(base_url=server.info["url"], headers=server.client.headers, timeout=20)
    with ThreadPoolExecutor() as threads:
        request = function_request(SLOW, str(tmp_path / "begun"))
        asked = threads.submit(client.post, f"{base}/execute", json=request)
        wait_for((tmp_path / "begun").exists)
        assert server.stop() < 20
        assert asked.result(60).status_code == 503
        assert asked.result().json() == {"error": "the embedded Runpod was stopped"}
    client.close()
    wait_for(lambda: not psutil.pid_exists(pid))


def test_a_server_with_a_request_under_way_does_not_end_itself(serve: Serve) -> None:
    server = serve("--idle-s", "0.5")
    base = balanced(server)
    assert execute(server, base, "def f():\n    import time\n    time.sleep(2.5)\n    return 1\n") == 1


def test_the_first_request_is_answered_soon(server: RealServer) -> None:
    """Not a benchmark: a cold start is a process, and no more than that."""
    base = balanced(server)
    began = time.monotonic()
    pid_of(server, base)
    assert time.monotonic() - began < 30
