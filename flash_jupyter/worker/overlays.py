"""Where a worker keeps what its interpreter lacks: overlay folders, whole or not there, shared where they can be.

An overlay is made under another name and renamed when it is complete. So a kill leaves only rubbish, which is taken
away once it is old; of two workers that make the same at the same time, the first one's stays. A volume that is
read-only or full is passed over, and the worker's own folder takes its place.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: an installer that still runs is not so old, seconds
RUBBISH_AGE_S = 7_200.0
VOLUME_MOUNT = "/runpod-volume"
#: what an installer says when it is the folder's fault
FULL_OR_CLOSED = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES))


class FolderTakesNothing(Exception):
    """A folder is read-only, full, or not there; the text is the system's."""


@dataclass(frozen=True)
class OverlayFolder:
    """A place for overlays; `owner` says who sees them: `volume`, `machine` or `worker`."""

    owner: str
    path: Path


def overlay_folders() -> list[OverlayFolder]:
    """Return where overlays may lie, the best first: the volume, the machine's cache, the worker's temporary folder."""
    volume, given = os.environ.get("RUNPOD_VOLUME_PATH"), os.environ.get("FLASH_JUPYTER_OVERLAYS")
    if not volume and not given and os.path.ismount(VOLUME_MOUNT):
        volume = VOLUME_MOUNT
    found = [OverlayFolder("volume", Path(volume) / ".flash_jupyter" / "overlays")] if volume else []
    if given:
        found.append(OverlayFolder("machine", Path(given)))
    return [*found, OverlayFolder("worker", Path(tempfile.gettempdir()) / "flash_jupyter_overlays")]


def is_in_overlays(path: str) -> bool:
    """Whether an entry of the import path is an overlay."""
    return any(path.startswith(str(folder.path)) for folder in overlay_folders())


def find_overlay(name: str) -> OverlayFolder | None:
    """Return the folder that has a complete overlay of this name."""
    return next((folder for folder in overlay_folders() if (folder.path / name).is_dir()), None)


def make_overlay(name: str, fill: Callable[[Path], Any]) -> tuple[OverlayFolder, str]:
    """Make an overlay where that is possible; returns its folder, and why a better one was not used.

    `fill` puts the packages into a new folder; it raises `FolderTakesNothing` where that is the folder's fault.
    """
    reasons: list[str] = []
    for folder in overlay_folders():
        try:
            _make_in(folder.path, name, fill)
        except FolderTakesNothing as reason:
            reasons.append(f"the {folder.owner} can't be written ({reason})")
        else:
            return folder, "; ".join(reasons)
    raise FolderTakesNothing("; ".join(reasons))


def _make_in(folder: Path, name: str, fill: Callable[[Path], Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=folder))
    except OSError as error:
        raise FolderTakesNothing(error.strerror or str(error)) from None
    try:
        fill(part)
        part.rename(folder / name)
    except OSError as error:
        if not (folder / name).is_dir():  # not the other worker, which was faster
            raise FolderTakesNothing(error.strerror or str(error)) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    for rubbish in _rubbish(folder):
        shutil.rmtree(rubbish, ignore_errors=True)


def _rubbish(folder: Path) -> Iterator[Path]:
    """What a killed installer left, a good while ago."""
    for path in folder.glob("*.*"):
        try:
            if path.is_dir() and time.time() - path.stat().st_mtime > RUBBISH_AGE_S:
                yield path
        except OSError:  # another worker was faster
            continue
