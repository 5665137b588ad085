"""Worker processes: how one is started, watched, measured and ended. Knows no jobs and no endpoints' states.

A worker is the leader of a session of its own, with a private HOME and none of our `RUNPOD_*` variables. A worker of a
server that was killed is adopted by pid and create time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from typing import Protocol

import psutil

from flash_jupyter.emulator.artifacts import give_to_worker
from flash_jupyter.emulator.config import Config
from flash_jupyter.emulator.machine import (
    WorkerOrder,
    free_port,
    home_folder,
    work_folder,
    worker_command,
    worker_environment,
)
from flash_jupyter.processes import lives

#: commands that run a container; its processes are none of theirs
ENGINES = ("docker", "podman")


class WorkerProcess(Protocol):
    """A process that was started or adopted."""

    pid: int
    created: float

    def is_alive(self) -> bool:
        """Whether it still runs; cheap enough to be asked before a job is handed over."""

    def exit_reason(self) -> str:
        """How it ended, in words."""

    def kill(self) -> None:
        """End it and everything of its session, at once."""

    def memory_bytes(self, allowed: int, /) -> int:
        """What it and its children use, exactly where that is more than `allowed`; 0 when it is gone."""

    def listens_on(self, port: int, /) -> bool:
        """Whether it or one of its children is the one who listens on a port of this machine."""


class Pool(Protocol):
    """Makes worker processes; a test gives another one."""

    def free_port(self) -> int:
        """Return a port for a worker to listen on."""

    def start(self, order: WorkerOrder) -> WorkerProcess:
        """Start a worker; raises `OSError` when that is not possible."""

    def adopt(self, pid: int, created: float) -> WorkerProcess | None:
        """Return the process if it is still the same one."""

    def watch(self, process: WorkerProcess, ended: Callable[[], None]) -> None:
        """Call `ended` once, in the running event loop, when the process is gone."""


class NoProcess:
    """The place of a process that is not there yet; to end it is to give the place up."""

    pid, created = 0, 0.0

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended, self._given_up = ended, False

    def is_alive(self) -> bool:
        """Whether the place is still held."""
        return not self._given_up

    def exit_reason(self) -> str:
        """It never ran."""
        return "it had not started"

    def kill(self) -> None:
        """Give the place up; tells so once."""
        if not self._given_up:
            self._given_up = True
            self._ended()

    def memory_bytes(self, _: int) -> int:
        """It uses nothing."""
        return 0

    def listens_on(self, _: int) -> bool:
        """It listens nowhere."""
        return False


class SystemProcess:
    """A process of this machine; `popen` only where it is our child."""

    def __init__(self, pid: int, created: float, popen: subprocess.Popen[bytes] | None) -> None:
        self.pid, self.created, self._popen = pid, created, popen

    def is_alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        if self._popen is not None:
            return self._popen.poll() is None
        return lives(self.pid, self.created)

    def exit_reason(self) -> str:
        """`killed by signal 9`, `exit code 3`; an adopted process does not tell us."""
        code = None if self._popen is None else self._popen.poll()
        if code is None:
            return "ended"
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    def kill(self) -> None:
        """End its process group, what is left of it where the process itself has ended; it leads its own session.

        Its children may lead sessions of their own: a container would end with all of them.
        """
        if self._popen is None and not self.is_alive():
            return
        family = []
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(self.pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for member in family:
            with contextlib.suppress(psutil.Error):
                member.kill()

    def memory_bytes(self, allowed: int) -> int:
        """Return the memory of it and its children, in bytes.

        Resident memory counts pages shared by children more than once; the exact number is slow, and so only asked for
        where the sum is above `allowed`.
        """
        try:
            process = psutil.Process(self.pid)
            family = [process, *process.children(recursive=True)]
        except psutil.Error:
            return 0
        resident = sum(_resident_bytes(member) for member in family)
        return resident if resident <= allowed else sum(_proportional_bytes(member) for member in family)

    def listens_on(self, port: int) -> bool:
        """Whether one of its processes listens there: the port may have been taken by somebody else before it could.

        What an engine publishes for a container, it listens on itself; it starts none where it can't.
        """
        try:
            process = psutil.Process(self.pid)
            family = [process, *process.children(recursive=True)]
            return any(member.name() in ENGINES or port in _listening_ports(member) for member in family)
        except psutil.NoSuchProcess:
            return False


def _listening_ports(process: psutil.Process) -> set[int]:
    # psutil 6 renamed the method
    connections = process.net_connections if hasattr(process, "net_connections") else process.connections
    with contextlib.suppress(psutil.Error):
        return {each.laddr.port for each in connections("tcp") if each.status == psutil.CONN_LISTEN}
    return set()


def _resident_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _proportional_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        memory = process.memory_full_info()
        return int(getattr(memory, "pss", memory.rss))  # pss: Linux only
    return 0


class SystemPool:
    """Workers as processes of this machine."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def free_port(self) -> int:
        """Return a port that is free now."""
        return free_port()

    def start(self, order: WorkerOrder) -> SystemProcess:
        """Start a worker in its own folder; its output is appended to its log file."""
        command = worker_command(order.document, self._config.python, is_deployed=order.artifact is not None)
        work = work_folder(self._config.folder, order.worker_id)
        home = home_folder(self._config.folder, order.endpoint_id)
        for folder in (work, home):
            folder.mkdir(parents=True, exist_ok=True)
        give_to_worker(order.artifact, home)
        with order.log_path.open("ab") as log:
            popen = subprocess.Popen(
                command,
                cwd=work,
                env=worker_environment(order, self._config, home=home, python=command[0]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return SystemProcess(popen.pid, psutil.Process(popen.pid).create_time(), popen)

    def adopt(self, pid: int, created: float) -> SystemProcess | None:
        """Return the process if pid and create time are still the same."""
        process = SystemProcess(pid, created, None)
        return process if process.is_alive() else None

    def watch(self, process: WorkerProcess, ended: Callable[[], None]) -> None:
        """Wait on a pidfd where there is one, else look every 50 ms."""
        loop = asyncio.get_running_loop()
        if not hasattr(os, "pidfd_open"):
            _look_again(loop, process, ended)
            return
        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:  # gone already
            loop.call_soon(ended)
            return

        def gone() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            ended()

        loop.add_reader(descriptor, gone)


def _look_again(loop: asyncio.AbstractEventLoop, process: WorkerProcess, ended: Callable[[], None]) -> None:
    if process.is_alive():
        loop.call_later(0.05, _look_again, loop, process, ended)
    else:
        ended()
