from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from machine import config, order

from flash_jupyter.emulator.pool import SystemPool, SystemProcess


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
