"""Worker processes: how one is started, watched, measured and ended. Knows no jobs and no endpoints' states.

A worker is the leader of a session of its own, with a private HOME and none of our `RUNPOD_*` variables. A worker of a
server that was killed is adopted by pid and create time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

from flash_jupyter import limits
from flash_jupyter.emulator.artifacts import artifact_path, give_to_worker
from flash_jupyter.emulator.config import Config
from flash_jupyter.emulator.machine import Ports, free_port, home_folder, volume_folder, work_folder

#: the interpreter of a local worker: the kernel's (design D13); reserved, given to the worker of a deployed app only
PYTHON_VARIABLE = "FLASH_JUPYTER_PYTHON"
#: commands that run a container; its processes are none of theirs
ENGINES = ("docker", "podman")
#: variables of the process that started us which say something about it and not about the machine
_NOT_INHERITED = re.compile(r"RUNPOD_|FLASH_JUPYTER_|JPY_|PYDEVD_|MPLBACKEND$|VIRTUAL_ENV$|CONDA_")


@dataclass(frozen=True)
class WorkerOrder:
    """What the pool needs to start a worker. `base_url` is the server's origin, `document` the endpoint's.

    `artifact` is the file of the build that the worker serves, where it serves one.
    `ports` is where the worker of a load balancing endpoint listens; a queue's worker has none.
    """

    worker_id: str
    endpoint_id: str
    document: Mapping[str, Any]
    base_url: str
    api_key: str
    log_path: Path
    artifact: Path | None = None
    ports: Ports | None = None


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
        try:
            process = psutil.Process(self.pid)
            return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - self.created) < 1
        except psutil.Error:
            return False

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


def worker_command(document: Mapping[str, Any], python: str, *, is_deployed: bool = False) -> list[str]:
    """Return the command line: the endpoint's `args` where there are some, else our worker for its type.

    The interpreter of a deployed app is what stands for its image: it need not have us, and is what our worker becomes.

    >>> worker_command({"type": "QUEUE", "env": {}, "args": "python -u handler.py"}, "/usr/bin/python3")
    ['python', '-u', 'handler.py']
    """
    if not runs_our_loop(document):
        return shlex.split(document["args"])
    module = "balancer" if document["type"] == "LOAD_BALANCER" else "loop"
    own = python if is_deployed else document["env"].get(PYTHON_VARIABLE, python)
    return [own, "-m", f"flash_jupyter.worker.{module}"]


def runs_our_loop(document: Mapping[str, Any]) -> bool:
    """Whether the endpoint's workers are ours: they end after a stopped job, those of the `runpod` SDK go on."""
    return not document["args"].strip()


def worker_environment(order: WorkerOrder, config: Config, *, home: Path, python: str) -> dict[str, str]:
    """Return all variables of a worker: the machine's, the endpoint's, then those of the protocol."""
    inherited = {name: value for name, value in config.environ.items() if not _NOT_INHERITED.match(name)}
    env, hidden = order.document["env"], () if order.artifact is not None else (PYTHON_VARIABLE,)
    wanted = {name: value for name, value in env.items() if name not in hidden}
    return {
        **inherited,
        **_installer_variables(config.environ),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(config.folder / "cache"),
        "PATH": os.pathsep.join([str(Path(python).parent), inherited.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        "RUNPOD_PING_INTERVAL": str(limits.PING_INTERVAL_MS),
        "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
        "RUNPOD_SKIP_GPU_CHECK": "true",
        **_addresses(order.base_url),
        **wanted,
        **_volume_variables(order, config),
        **_artifact_variables(order, home),
        "RUNPOD_POD_ID": order.worker_id,
        "RUNPOD_POD_HOSTNAME": f"{order.worker_id}-local",
        "RUNPOD_ENDPOINT_ID": order.endpoint_id,
        **(_queue_variables(order) if order.ports is None else _port_variables(order.ports)),
        "FLASH_JUPYTER_OVERLAYS": str(config.overlays),
        "FLASH_JUPYTER_SCRATCH": str(work_folder(config.folder, order.worker_id)),
        "FLASH_JUPYTER_CANCEL_GRACE_S": str(config.cancel_grace_s),
    }


def _addresses(base_url: str) -> dict[str, str]:
    """What a worker calls is this server too; unset, the SDKs and their stubs would call the real platform."""
    return {
        "RUNPOD_API_BASE_URL": base_url,
        "RUNPOD_ENDPOINT_BASE_URL": f"{base_url}/v2",
        "RUNPOD_REST_API_URL": f"{base_url}/v1",
    }


def _installer_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """A private HOME must not hide the user's package caches and package indexes."""
    home = Path(environ.get("HOME", "/"))
    cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    found = {"UV_CACHE_DIR": str(cache / "uv"), "PIP_CACHE_DIR": str(cache / "pip")}
    for name, path in (
        ("UV_CONFIG_FILE", config / "uv" / "uv.toml"),
        ("PIP_CONFIG_FILE", home / ".pip" / "pip.conf"),
        ("PIP_CONFIG_FILE", config / "pip" / "pip.conf"),
    ):
        if path.is_file():
            found[name] = str(path)
    return {name: environ.get(name, value) for name, value in found.items()}


def _volume_variables(order: WorkerOrder, config: Config) -> dict[str, str]:
    if not order.document["networkVolumes"]:
        return {}
    volume = volume_folder(config.folder, order.document["networkVolumes"][0])
    volume.mkdir(parents=True, exist_ok=True)
    return {"RUNPOD_VOLUME_PATH": str(volume)}


def _artifact_variables(order: WorkerOrder, home: Path) -> dict[str, str]:
    """Say where the artifact is: on the platform it is under `/root`, which is nobody's HOME here."""
    return {} if order.artifact is None else {"FLASH_BUILD_ARTIFACT_PATH": str(artifact_path(home))}


def _port_variables(ports: Ports) -> dict[str, str]:
    """Return where a load balancer's worker must listen; it does not get the key, for it asks us for nothing."""
    return {"PORT": str(ports.serve), "PORT_HEALTH": str(ports.health)}


def _queue_variables(order: WorkerOrder) -> dict[str, str]:
    """Return the SDK's URL templates; each needs a query, for the SDK appends `&...` (runpod-platform.md 1.2)."""
    base = f"{order.base_url}/v2/{order.endpoint_id}"
    query = f"?gpu={'CPU' if 'cpu' in order.document else order.document['gpu']['pools'][0]}"
    return {
        "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID{query}",
        "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID{query}",
        "RUNPOD_WEBHOOK_POST_STREAM": f"{base}/job-stream/$RUNPOD_POD_ID/$ID{query}",
        "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID{query}",
        "RUNPOD_AI_API_KEY": order.api_key,
    }


def memory_limit_bytes(document_memory_gb: int | None, config: Config, share: float) -> int:
    """Return what a worker may use: as configured, else its hardware's, but no more than a share of the machine's."""
    if config.worker_memory_bytes is not None:
        return config.worker_memory_bytes
    machine = int(psutil.virtual_memory().total * share)
    return machine if document_memory_gb is None else min(document_memory_gb << 30, machine)
