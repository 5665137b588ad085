"""What a worker is started with on this machine: its command, variables, folders, ports and memory.

A worker's disk goes with it, an endpoint's HOME with the endpoint. On the platform each worker is alone in its
container, and all may use port 80. Here they share one machine, so `PORT` and `PORT_HEALTH` are chosen for the workers
of load balancing endpoints, whatever the endpoint's own variables say.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from flash_jupyter import limits
from flash_jupyter.emulator.artifacts import artifact_path
from flash_jupyter.emulator.config import MACHINE_MEMORY_SHARE, Config

HOST = "127.0.0.1"
#: the interpreter of a local worker: the kernel's (design D13); reserved, given to the worker of a deployed app only
PYTHON_VARIABLE = "FLASH_JUPYTER_PYTHON"
#: variables of the process that started us which say something about it and not about the machine
_NOT_INHERITED = re.compile(r"RUNPOD_|FLASH_JUPYTER_|JPY_|PYDEVD_|MPLBACKEND$|VIRTUAL_ENV$|CONDA_")


@dataclass(frozen=True)
class Ports:
    """`PORT` and `PORT_HEALTH` of a worker."""

    serve: int
    health: int


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


def free_port() -> int:
    """Return a port that nobody uses now. A worker who finds it taken all the same ends, and the next gets another."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def wants_health_port(env: Mapping[str, str]) -> bool:
    """Whether an endpoint's variables ask for a port of its own for health checks; the default is `PORT`.

    >>> wants_health_port({"PORT": "8000"}), wants_health_port({"PORT": "8000", "PORT_HEALTH": "8001"})
    (False, True)
    """
    return env.get("PORT_HEALTH", env.get("PORT", "80")) != env.get("PORT", "80")


def health_path(env: Mapping[str, str]) -> str:
    """Return the path of an endpoint's health check: `HEALTH_CHECK_PATH` (REST v2 document, `EndpointType`).

    >>> health_path({}), health_path({"HEALTH_CHECK_PATH": "ready"})
    ('/ping', '/ready')
    """
    return "/" + env.get("HEALTH_CHECK_PATH", "/ping").lstrip("/")


def work_folder(root: Path, worker_id: str) -> Path:
    """Return a worker's working directory."""
    return root / "work" / worker_id


def home_folder(root: Path, endpoint_id: str) -> Path:
    """Return the HOME that the workers of an endpoint share, one after the other."""
    return root / "homes" / endpoint_id


def volume_folder(root: Path, volume_id: str) -> Path:
    """Return the files of a network volume; they stay until it is deleted."""
    return root / "volumes" / volume_id


def discard(root: Path, folder: Path) -> None:
    """Move a folder aside; the next `tidy` deletes it."""
    if folder.is_dir():
        folder.replace(root / f"trash-{folder.name}")


def tidy(root: Path, *, workers: Collection[str], endpoints: Collection[str]) -> None:
    """Remove the folders of all others. They are moved aside at once and deleted by a thread, for they may be large."""
    for parent, kept in ((root / "work", workers), (root / "homes", endpoints)):
        if parent.is_dir():
            for folder in [folder for folder in parent.iterdir() if folder.name not in kept]:
                discard(root, folder)
    trash = list(root.glob("trash-*"))  # also what the last server did not finish
    if trash:
        threading.Thread(target=_remove, args=(trash,), daemon=True).start()


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


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


def memory_limit_bytes(document: Mapping[str, Any], config: Config) -> int:
    """Return what a worker may use: as configured, else its hardware's, but no more than a share of the machine's.

    The hardware says it only for CPUs, by the first configuration; GPU pools do not.
    """
    if config.worker_memory_bytes is not None:
        return config.worker_memory_bytes
    machine = int(psutil.virtual_memory().total * MACHINE_MEMORY_SHARE)
    return min(int(document["cpu"][0]["memory"]) << 30, machine) if "cpu" in document else machine
