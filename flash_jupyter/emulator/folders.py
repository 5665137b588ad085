"""The folders of workers, endpoints and volumes: a worker's disk goes with it, an endpoint's HOME with the endpoint."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Collection, Iterable
from pathlib import Path


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
