"""What the workers have of this machine: folders and free ports.

A worker's disk goes with it, an endpoint's HOME with the endpoint. On the platform each worker is alone in its
container, and all may use port 80. Here they share one machine, so `PORT` and `PORT_HEALTH` are chosen for the workers
of load balancing endpoints, whatever the endpoint's own variables say.
"""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Ports:
    """`PORT` and `PORT_HEALTH` of a worker."""

    serve: int
    health: int


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
