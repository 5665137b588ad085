"""A real server process with real workers: the way of a job, and everything that can go wrong on it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest
from emulated import RealServer, function_request, unpickled, wait_for

pytestmark = pytest.mark.journey

Serve = Callable[..., RealServer]
ADD = "def f(a, b):\n    print('adding')\n    return a + b\n"
SLOW = "def f(seconds):\n    import time\n    print('begun')\n    time.sleep(seconds)\n    return 'slept'\n"


def pid_of(server: RealServer, endpoint: str) -> int:
    code = "def f():\n    import os\n    return os.getpid()\n"
    return int(unpickled(server.finished(endpoint, server.run(endpoint, code))["output"]))


def test_a_function_runs_and_its_output_is_in_the_workers_log(server: RealServer) -> None:
    endpoint = server.endpoint()
    status = server.finished(endpoint, server.run(endpoint, ADD, 1, 2))
    assert status["status"] == "COMPLETED"
    assert unpickled(status["output"]) == 3
    worker = status["workerId"]
    with server.client.stream("GET", f"/v2/serverless/{endpoint}/workers/{worker}/logs") as answer:
        lines = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
        assert next(line for line in lines if line["source"] == "container")["line"] == "adding"


def test_the_output_is_in_the_log_before_the_job_is_final(server: RealServer) -> None:
    endpoint = server.endpoint()
    worker = server.finished(endpoint, server.run(endpoint, ADD, 1, 2))["workerId"]
    with server.client.stream("GET", f"/v2/serverless/{endpoint}/workers/{worker}/logs?tail=0") as answer:
        lines = answer.iter_lines()
        for number in range(20):
            job = server.run(endpoint, "def f(n):\n    print('line', n)\n", number)
            server.finished(endpoint, job)
            assert json.loads(next(line for line in lines if line[:5] == "data:")[6:])["line"] == f"line {number}"


def test_runsync_answers_with_the_result(server: RealServer) -> None:
    endpoint = server.endpoint()
    answer = server.client.post(f"/v2/{endpoint}/runsync", json={"input": function_request(ADD, 1, 2)}).json()
    assert answer["status"] == "COMPLETED"
    assert unpickled(answer["output"]) == 3


def test_a_worker_that_exits_fails_its_job_with_reason_and_last_lines(server: RealServer) -> None:
    endpoint = server.endpoint()
    job = server.run(endpoint, "def f():\n    import os\n    print('step 41', flush=True)\n    os._exit(3)\n")
    status = server.finished(endpoint, job)
    assert status["status"] == "FAILED"
    assert status["error"] == f"worker lost: {status['workerId']}: exit code 3\nlast log lines:\n  step 41"
    assert server.log(endpoint, status["workerId"])[-1] == f"worker {status['workerId']} ended: exit code 3"


def test_a_worker_that_is_killed_fails_its_job(server: RealServer) -> None:
    endpoint = server.endpoint()
    pid = pid_of(server, endpoint)
    job = server.run(endpoint, SLOW, 60)
    worker = server.running(endpoint, job)["workerId"]
    wait_for(lambda: "begun" in (server.folder / "logs" / f"{worker}.log").read_text())
    os.kill(pid, signal.SIGKILL)
    status = server.finished(endpoint, job)
    assert status["error"] == f"worker lost: {worker}: killed by signal 9\nlast log lines:\n  begun"


def test_an_idle_worker_that_is_killed_loses_nothing(server: RealServer) -> None:
    endpoint = server.endpoint()
    pid = pid_of(server, endpoint)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(pid))
    status = server.finished(endpoint, server.run(endpoint, ADD, 1, 2))
    assert status["status"] == "COMPLETED"


def test_a_job_is_not_handed_to_a_poll_whose_sender_has_gone(server: RealServer) -> None:
    endpoint = server.endpoint()
    worker = server.finished(endpoint, server.run(endpoint, ADD, 1, 2))["workerId"]
    url = httpx.URL(server.info["url"])
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(
            f"GET /v2/{endpoint}/job-take/{worker}?gpu=CPU&job_in_progress=0 HTTP/1.1\r\nHost: {url.netloc.decode()}\r\n"
            f"Authorization: {server.info['api_key']}\r\n\r\n".encode()
        )
        time.sleep(0.3)  # the last poll to come would be the first to get a job
    time.sleep(0.3)
    assert server.finished(endpoint, server.run(endpoint, ADD, 3, 4))["status"] == "COMPLETED"


def test_too_much_memory_ends_the_worker(serve: Serve) -> None:
    server = serve("--worker-memory-mb", "150")
    endpoint = server.endpoint()
    job = server.run(endpoint, "def f():\n    import time\n    hog = bytearray(300 << 20)\n    time.sleep(30)\n")
    status = server.finished(endpoint, job)
    assert status["status"] == "FAILED"
    assert re.search(r"out of memory: used \d+ MB of 150 MB", status["error"])


def test_a_job_that_takes_too_long_is_timed_out_and_its_worker_ended(server: RealServer) -> None:
    endpoint = server.endpoint()
    pid = pid_of(server, endpoint)
    job = server.run(endpoint, SLOW, 60, policy={"executionTimeout": 5000})
    status = server.finished(endpoint, job)
    assert status["status"] == "TIMED_OUT"
    assert status["error"] == "job timed out after 5 s"
    wait_for(lambda: not psutil.pid_exists(pid))


def test_cancel_of_an_endless_loop_stops_the_worker(server: RealServer) -> None:
    endpoint = server.endpoint()
    pid = pid_of(server, endpoint)
    job = server.run(endpoint, "def f():\n    while True:\n        pass\n")
    server.running(endpoint, job)
    began = time.monotonic()
    assert server.client.post(f"/v2/{endpoint}/cancel/{job}").json()["status"] == "CANCELLED"
    wait_for(lambda: not psutil.pid_exists(pid))
    assert time.monotonic() - began < 20


def test_cancel_of_a_job_that_refuses_to_stop_kills_the_worker(server: RealServer) -> None:
    endpoint = server.endpoint()
    pid = pid_of(server, endpoint)
    code = (
        "def f():\n    import signal, time\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
        "    while True:\n        try:\n            time.sleep(60)\n        except BaseException:\n            pass\n"
    )
    job = server.run(endpoint, code)
    server.running(endpoint, job)
    server.client.post(f"/v2/{endpoint}/cancel/{job}")
    wait_for(lambda: not psutil.pid_exists(pid))


def test_finally_blocks_run_when_a_job_is_cancelled(server: RealServer, tmp_path: Path) -> None:
    endpoint = server.endpoint()
    mark = tmp_path / "cleaned"
    code = (
        "def f(path):\n    import time\n    try:\n        time.sleep(60)\n"
        "    finally:\n        open(path, 'w').close()\n"
    )
    job = server.run(endpoint, code, str(mark))
    worker = server.running(endpoint, job)["workerId"]
    time.sleep(0.2)
    server.client.post(f"/v2/{endpoint}/cancel/{job}")
    wait_for(mark.exists)
    wait_for(lambda: server.log(endpoint, worker)[-1] == f"worker {worker} ended: exit code 0")


def test_fifty_megabytes_of_output_are_streamed_whole(server: RealServer) -> None:
    endpoint = server.endpoint()
    worker = server.finished(endpoint, server.run(endpoint, ADD, 1, 2))["workerId"]
    path = f"/v2/serverless/{endpoint}/workers/{worker}/logs?tail=0"
    size = count = 0
    with server.client.stream("GET", path) as answer:
        code = "def f():\n    for n in range(20_000):\n        print(n, 'x' * 2500)\n    print('end')\n"
        job = server.run(endpoint, code)
        for line in answer.iter_lines():
            if line.startswith("data: "):
                text = json.loads(line[6:])["line"]
                if text == "end":
                    break
                size, count = size + len(text), count + 1
    assert count == 20_000
    assert size > 50_000_000
    assert server.finished(endpoint, job)["status"] == "COMPLETED"
    assert psutil.Process(server.process.pid).memory_info().rss < 300 << 20


def test_a_queued_job_survives_a_killed_server(serve: Serve) -> None:
    server = serve()
    endpoint = server.endpoint(workers={"max": 0})
    job = server.run(endpoint, ADD, 1, 2)
    server.kill()
    server.start()
    assert server.status(endpoint, job)["status"] == "IN_QUEUE"
    server.client.patch(f"/v2/serverless/{endpoint}", json={"workers": {"max": 1}})
    assert unpickled(server.finished(endpoint, job)["output"]) == 3


def test_a_running_job_is_delivered_to_the_restarted_server(serve: Serve) -> None:
    server = serve()
    endpoint = server.endpoint()
    before = server.info
    pid = pid_of(server, endpoint)
    job = server.run(endpoint, SLOW, 2)
    server.running(endpoint, job)
    time.sleep(0.2)
    server.kill()
    server.start()
    assert {name: server.info[name] for name in ("url", "api_key")} == {n: before[n] for n in ("url", "api_key")}
    assert server.status(endpoint, job)["status"] == "IN_PROGRESS"
    status = server.finished(endpoint, job)
    assert unpickled(status["output"]) == "slept"
    assert pid_of(server, endpoint) == pid  # adopted, and still in use


def test_a_result_made_while_no_server_ran_is_delivered(serve: Serve) -> None:
    server = serve()
    endpoint = server.endpoint()
    pid_of(server, endpoint)
    job = server.run(endpoint, SLOW, 0.5)
    server.running(endpoint, job)
    time.sleep(0.1)
    server.kill()
    time.sleep(1)
    server.start()
    assert unpickled(server.finished(endpoint, job)["output"]) == "slept"


def test_a_running_job_whose_worker_died_with_the_server_is_lost_not_run_again(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    endpoint = server.endpoint()
    pid = pid_of(server, endpoint)
    runs = tmp_path / "runs"
    code = "def f(path):\n    import time\n    open(path, 'a').write('x')\n    time.sleep(60)\n"
    job = server.run(endpoint, code, str(runs))
    worker = server.running(endpoint, job)["workerId"]
    wait_for(runs.exists)
    server.kill()
    os.kill(pid, signal.SIGKILL)
    server.start()
    status = server.finished(endpoint, job)
    assert status["status"] == "FAILED"
    assert status["error"] == f"worker lost: {worker}: it ended while the embedded Runpod was not running"
    time.sleep(0.5)
    assert runs.read_text() == "x"


def test_a_finished_result_survives_a_killed_server(serve: Serve) -> None:
    server = serve()
    endpoint = server.endpoint()
    small = server.run(endpoint, ADD, 1, 2)
    large = server.run(endpoint, ADD, "a" * 200_000, "b")
    assert server.finished(endpoint, small)["status"] == server.finished(endpoint, large)["status"] == "COMPLETED"
    server.kill()
    server.start()
    assert unpickled(server.status(endpoint, small)["output"]) == 3
    assert unpickled(server.status(endpoint, large)["output"]) == "a" * 200_000 + "b"


def test_sigterm_ends_server_and_workers_soon(serve: Serve) -> None:
    server = serve()
    endpoint = server.endpoint()
    pid = pid_of(server, endpoint)
    info = server.folder / "info.json"
    assert info.stat().st_mode & 0o777 == 0o600
    assert server.stop() < 10
    assert server.process.returncode == 0
    assert not info.exists()
    wait_for(lambda: not psutil.pid_exists(pid))


def test_an_unused_server_ends_itself(serve: Serve) -> None:
    server = serve("--idle-s", "0.5")
    assert server.process.wait(60) == 0


def test_a_server_with_an_open_job_does_not_end_itself(serve: Serve) -> None:
    server = serve("--idle-s", "2")  # who asks for the end may be late by so much
    endpoint = server.endpoint()
    job = server.run(endpoint, SLOW, 4.5)
    time.sleep(4)
    assert server.process.poll() is None
    assert server.finished(endpoint, job)["status"] == "COMPLETED"


def test_delete_ends_workers_and_forgets_jobs(server: RealServer) -> None:
    endpoint = server.endpoint()
    pid = pid_of(server, endpoint)
    job = server.run(endpoint, SLOW, 60)
    server.running(endpoint, job)
    assert server.client.delete(f"/v2/serverless/{endpoint}").status_code == 204
    assert server.client.get(f"/v2/{endpoint}/status/{job}").status_code == 404
    wait_for(lambda: not psutil.pid_exists(pid))
    assert server.client.get("/v2/serverless").json() == {"endpoints": []}
    assert wait_for(lambda: not list((server.folder / "logs").iterdir()))


def test_workers_that_can_not_start_fail_the_job(server: RealServer) -> None:
    endpoint = server.endpoint(env={"FLASH_JUPYTER_PYTHON": "/no/such/python"})
    status = server.finished(endpoint, server.run(endpoint, ADD, 1, 2))
    assert status["status"] == "FAILED"
    assert "3 workers in a row did not start" in status["error"]
    assert "No such file or directory: '/no/such/python'" in status["error"]


def test_a_worker_that_ends_before_it_is_ready_fails_the_job(server: RealServer) -> None:
    endpoint = server.endpoint(args=f"{sys.executable} -c 'print(\"no handler\"); raise SystemExit(7)'")
    status = server.finished(endpoint, server.run(endpoint, ADD, 1, 2))
    assert "ended before it was ready: exit code 7" in status["error"]
    assert "no handler" in status["error"]


def test_a_port_that_is_taken_is_a_clear_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "flash_jupyter.emulator", "--dir", str(tmp_path), "--port", str(port)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        f"EmulatorError: port {port} can't be used: Address already in use\n  → choose another with --port, or none\n"
    )


def test_a_remembered_port_that_is_taken_is_replaced(serve: Serve) -> None:
    server = serve()
    port = int(server.info["url"].rpartition(":")[2])
    server.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        server.start()
        assert server.info["url"] != f"http://127.0.0.1:{port}"
        assert server.client.get("/_flash/info").status_code == 200


def test_a_second_server_in_the_same_folder_is_refused(server: RealServer) -> None:
    command = [sys.executable, "-m", "flash_jupyter.emulator", "--dir", str(server.folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith(f"EmulatorError: another embedded Runpod runs in {server.folder}")
    assert server.client.get("/_flash/info").status_code == 200


def test_a_worker_has_a_home_of_its_own_and_no_variables_of_ours(server: RealServer) -> None:
    volume = server.client.post("/v2/network-volumes", json={"name": "v", "size": 10, "dataCenter": "EU-RO-1"}).json()
    endpoint = server.endpoint(env={"MINE": "1"}, networkVolumes=[volume["id"]])
    code = "def f():\n    import os\n    return dict(os.environ)\n"
    environ = unpickled(server.finished(endpoint, server.run(endpoint, code))["output"])
    assert Path(environ["HOME"]) == server.folder / "homes" / endpoint
    assert environ["MINE"] == "1"
    assert environ["RUNPOD_ENDPOINT_ID"] == endpoint
    assert Path(environ["RUNPOD_VOLUME_PATH"]) == server.folder / "volumes" / volume["id"]
    assert environ["FLASH_JUPYTER_OVERLAYS"] == str(server.folder / "overlays")
    assert Path(environ["FLASH_JUPYTER_SCRATCH"]) == server.folder / "work" / environ["RUNPOD_POD_ID"]


def test_a_dropped_connection_has_no_answer_though_the_request_was_carried_out(server: RealServer) -> None:
    endpoint = server.endpoint(workers={"max": 0})
    server.client.post("/_flash/faults", json={"kind": "dropped", "route": "run", "times": 1}).raise_for_status()
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        server.run(endpoint, ADD, 1, 2)
    assert server.client.get(f"/v2/{endpoint}/health").json()["jobs"]["inQueue"] == 1
    server.run(endpoint, ADD, 1, 2)


def test_a_log_stream_is_cut_in_the_middle(server: RealServer) -> None:
    endpoint = server.endpoint()
    worker = server.finished(endpoint, server.run(endpoint, ADD, 1, 2))["workerId"]
    fault = {"kind": "dropped", "route": "logs", "seconds": 0.3}
    server.client.post("/_flash/faults", json=fault).raise_for_status()
    lines: list[str] = []
    path = f"/v2/serverless/{endpoint}/workers/{worker}/logs"
    with server.client.stream("GET", path) as answer, pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        lines.extend(answer.iter_lines())
    assert any("adding" in line for line in lines)


def test_a_crash_loop_writes_its_traceback_again_and_again(server: RealServer) -> None:
    server.client.post("/_flash/faults", json={"kind": "crash-loop", "seconds": 0.1}).raise_for_status()
    endpoint = server.endpoint(workers={"max": 1})
    job = server.run(endpoint, ADD, 1, 2)
    (worker,) = wait_for(lambda: server.workers(endpoint))
    text = wait_for(lambda: _twice(server.folder / "logs" / f"{worker['id']}.log"))
    assert "RuntimeError: crash-loop: the handler can not be imported" in text
    assert server.status(endpoint, job)["status"] == "IN_QUEUE"
    server.client.delete("/_flash/faults")
    assert server.finished(endpoint, job)["status"] == "COMPLETED"


def _twice(log: Path) -> str | None:
    text = log.read_text()
    return text if text.count("RuntimeError") >= 2 else None


def test_a_worker_is_lost_in_mid_job_by_name(server: RealServer) -> None:
    endpoint = server.endpoint(name="one--fault-lost-worker-0.1s-x1")
    job = server.run(endpoint, SLOW, 60)
    status = server.finished(endpoint, job)
    assert status["error"].startswith(f"worker lost: {status['workerId']}: killed by signal 9")
    assert server.finished(endpoint, server.run(endpoint, ADD, 1, 2))["status"] == "COMPLETED"
