from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from flash_jupyter.emulator.config import Config
from flash_jupyter.emulator.machine import Ports
from flash_jupyter.emulator.pool import (
    SystemPool,
    SystemProcess,
    WorkerOrder,
    memory_limit_bytes,
    worker_command,
    worker_environment,
)

DOCUMENT: dict[str, Any] = {
    "type": "QUEUE",
    "env": {},
    "args": "",
    "networkVolumes": [],
    "cpu": [{"id": "cpu3c", "memory": 4}],
}


def config(folder: Path, **environ: str) -> Config:
    return Config(folder=folder, overlays=folder / "overlays", version="1", environ={"PATH": "/bin", **environ})


def order(folder: Path, **document: Any) -> WorkerOrder:
    return WorkerOrder("w1", "ep1", {**DOCUMENT, **document}, "http://127.0.0.1:5", "key", folder / "w1.log")


class Started:
    """Processes of one test, ended with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[SystemProcess] = []

    def __call__(self, code: str) -> SystemProcess:
        args = f"{sys.executable} -c '{code}'"
        self.processes.append(SystemPool(config(self.folder)).start(order(self.folder, args=args)))
        return self.processes[-1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Started]:
    started = Started(tmp_path)
    yield started
    for process in started.processes:
        process.kill()
        ended(process)


def ended(process: SystemProcess) -> None:
    deadline = time.monotonic() + 5
    while process.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_the_command_is_our_loop_under_the_kernels_interpreter() -> None:
    python = {"FLASH_JUPYTER_PYTHON": "/kernel/python"}
    assert worker_command({**DOCUMENT, "env": python}, "/own") == ["/kernel/python", "-m", "flash_jupyter.worker.loop"]
    assert worker_command(DOCUMENT, "/own") == ["/own", "-m", "flash_jupyter.worker.loop"]
    balancer = {**DOCUMENT, "type": "LOAD_BALANCER"}
    assert worker_command(balancer, "/own") == ["/own", "-m", "flash_jupyter.worker.balancer"]


def environment(folder: Path, environ: dict[str, str], **document: Any) -> dict[str, str]:
    made = config(folder, **environ)
    return worker_environment(order(folder, **document), made, home=folder / "h", python="/venv/bin/python")


def test_what_a_worker_does_not_inherit(tmp_path: Path) -> None:
    given = {
        "RUNPOD_API_KEY": "the user's own",
        "FLASH_JUPYTER_HOME": "/x",
        "MPLBACKEND": "inline",
        "JPY_PARENT_PID": "1",
        "LANG": "C",
    }
    found = environment(tmp_path, given)
    assert not [name for name in given if name in found and name != "LANG"]
    assert "the user's own" not in found.values()
    assert (found["LANG"], found["HOME"]) == ("C", str(tmp_path / "h"))
    assert found["PATH"] == "/venv/bin:/bin"


def test_the_protocols_variables_can_not_be_changed_by_the_endpoint(tmp_path: Path) -> None:
    env = {"RUNPOD_AI_API_KEY": "x", "RUNPOD_LOG_LEVEL": "ERROR", "FLASH_JUPYTER_PYTHON": "/p", "A": "1"}
    found = environment(tmp_path, {}, env=env)
    assert found["RUNPOD_AI_API_KEY"] == "key"
    assert (found["RUNPOD_LOG_LEVEL"], found["A"]) == ("ERROR", "1")
    assert "FLASH_JUPYTER_PYTHON" not in found
    assert found["RUNPOD_WEBHOOK_GET_JOB"] == "http://127.0.0.1:5/v2/ep1/job-take/$ID?gpu=CPU"
    assert found["RUNPOD_WEBHOOK_POST_OUTPUT"] == "http://127.0.0.1:5/v2/ep1/job-done/$RUNPOD_POD_ID/$ID?gpu=CPU"


def test_a_load_balancers_worker_has_ports_and_neither_queue_nor_key(tmp_path: Path) -> None:
    env = {"PORT": "80", "HEALTH_CHECK_PATH": "/ready"}
    made = replace(order(tmp_path, type="LOAD_BALANCER", env=env), ports=Ports(5001, 5002))
    found = worker_environment(made, config(tmp_path), home=tmp_path, python="/venv/bin/python")
    assert (found["PORT"], found["PORT_HEALTH"], found["HEALTH_CHECK_PATH"]) == ("5001", "5002", "/ready")
    assert (found["RUNPOD_ENDPOINT_ID"], found["RUNPOD_POD_ID"]) == ("ep1", "w1")
    assert "key" not in found.values()
    assert not [name for name in found if name.startswith("RUNPOD_WEBHOOK")]


def test_who_listens_on_a_port_is_known(start: Started, tmp_path: Path) -> None:
    process = start(
        'import socket, time; s = socket.create_server(("127.0.0.1", 0)); '
        "print(s.getsockname()[1], flush=True); time.sleep(60)"
    )
    log = tmp_path / "w1.log"
    while "\n" not in log.read_text():
        time.sleep(0.01)
    port = int(log.read_text())
    assert process.listens_on(port)
    with socket.create_server(("127.0.0.1", 0)) as ours:
        assert not process.listens_on(ours.getsockname()[1])
    process.kill()
    ended(process)
    assert not process.listens_on(port)


def test_the_installers_caches_and_indexes_stay_the_users(tmp_path: Path) -> None:
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    (tmp_path / ".config" / "uv" / "uv.toml").write_text("")
    found = environment(tmp_path, {"HOME": str(tmp_path)})
    assert found["UV_CACHE_DIR"] == str(tmp_path / ".cache" / "uv")
    assert found["UV_CONFIG_FILE"] == str(tmp_path / ".config" / "uv" / "uv.toml")
    assert "PIP_CONFIG_FILE" not in found
    assert environment(tmp_path, {"UV_CACHE_DIR": "/mine"})["UV_CACHE_DIR"] == "/mine"


def test_a_volume_is_a_folder_of_the_store(tmp_path: Path) -> None:
    assert "RUNPOD_VOLUME_PATH" not in environment(tmp_path, {})
    found = environment(tmp_path, {}, networkVolumes=["agv6w2qcg7"])
    assert found["RUNPOD_VOLUME_PATH"] == str(tmp_path / "volumes" / "agv6w2qcg7")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("pass", "exit code 0"),
        ("import os; os.kill(os.getpid(), 9)", "killed by signal 9"),
    ],
)
def test_how_a_process_ended_is_said_in_words(start: Started, code: str, reason: str) -> None:
    process = start(code)
    ended(process)
    assert process.exit_reason() == reason


def test_kill_ends_the_children_too(start: Started, tmp_path: Path) -> None:
    process = start(
        'import subprocess, time; subprocess.Popen(["sleep", "60"]); print("ok", flush=True); time.sleep(60)'
    )
    log = tmp_path / "w1.log"
    while "ok" not in log.read_text():
        time.sleep(0.01)
    (child,) = psutil.Process(process.pid).children()
    process.kill()
    ended(process)
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_process_is_adopted_by_pid_and_create_time(start: Started, tmp_path: Path) -> None:
    process = start("import time; time.sleep(60)")
    pool = SystemPool(config(tmp_path))
    adopted = pool.adopt(process.pid, process.created)
    assert adopted is not None
    assert adopted.is_alive()
    assert pool.adopt(process.pid, process.created - 100) is None
    process.kill()
    ended(process)
    assert not adopted.is_alive()
    assert adopted.exit_reason() == "ended"
    assert pool.adopt(process.pid, process.created) is None


def test_the_end_of_a_process_is_noticed_at_once(start: Started, tmp_path: Path) -> None:
    pool = SystemPool(config(tmp_path))
    process = start("import time; time.sleep(60)")

    async def watch() -> float:
        gone = asyncio.Event()
        pool.watch(process, gone.set)
        os.kill(process.pid, signal.SIGKILL)
        began = time.monotonic()
        await asyncio.wait_for(gone.wait(), 5)
        return time.monotonic() - began

    assert asyncio.run(watch()) < 1


def test_a_process_that_is_gone_already_is_noticed_too(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    async def watch() -> None:
        gone = asyncio.Event()
        SystemPool(config(tmp_path)).watch(SystemProcess(child.pid, 1.0, None), gone.set)
        await asyncio.wait_for(gone.wait(), 5)

    asyncio.run(watch())


def test_memory_counts_the_children(start: Started) -> None:
    process = start("hog = bytearray(64 << 20); import time; time.sleep(60)")
    deadline = time.monotonic() + 5
    while (used := process.memory_bytes(1 << 40)) < 64 << 20:
        assert time.monotonic() < deadline
    assert 56 << 20 < process.memory_bytes(0) <= used + (8 << 20)  # the exact number, asked for above the limit


def test_the_memory_limit_is_the_least_of_hardware_and_machine(tmp_path: Path) -> None:
    machine = psutil.virtual_memory().total
    made = config(tmp_path)
    assert memory_limit_bytes(None, made, 0.5) == int(machine * 0.5)
    assert memory_limit_bytes(1, made, 0.5) == min(1 << 30, int(machine * 0.5))
    assert memory_limit_bytes(10**6, made, 0.5) == int(machine * 0.5)
    assert memory_limit_bytes(1, replace(made, worker_memory_bytes=5), 0.5) == 5
