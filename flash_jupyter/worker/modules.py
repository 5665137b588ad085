"""What a worker puts in front of its import path: local modules that travelled, and overlays of packages that it lacks.

The modules of a cell are written to a folder of their own, which is named after its content. When the content changes,
modules that were imported from the old one are forgotten, so that an edited `utils.py` is imported anew. They may
import `flash_jupyter`: something stands in for it.

An overlay folder is whole or not there, and shared where it can be: it is made under another name and renamed when it
is complete. So a kill leaves only rubbish, which is taken away once it is old; of two workers that make the same at the
same time, the first one's stays. A volume that is read-only or full is passed over, and the worker's own folder takes
its place.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flash_jupyter.capsule.kinds import Nested

PACKAGE = "flash_jupyter"
#: as which modules import it that were written for the released client
RELEASED = "runpod_flash"

_folders: set[str] = set()


def install_modules(sources: dict[str, str]) -> None:
    """Make `sources` (relative POSIX path -> text) importable, and nothing that came with an earlier job."""
    wanted = _folder(sources) if sources else None
    for folder in _folders:
        if folder in sys.path:
            sys.path.remove(folder)
    if wanted is None:
        return
    stand_in_for_package()
    _folders.add(wanted)
    _forget({path.split("/")[0].removesuffix(".py") for path in sources}, wanted)
    sys.path.insert(0, wanted)
    importlib.invalidate_caches()


def relative_to_shipped(filename: str) -> str:
    """The path that a module which travelled has beside its notebook; any other file keeps its name."""
    folder = next((folder for folder in _folders if filename.startswith(folder + os.sep)), None)
    return filename if folder is None else Path(filename).relative_to(folder).as_posix()


def _folder(sources: dict[str, str]) -> str:
    digest = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:16]
    root = _private_folder() / digest
    for relative, text in sources.items():
        target = root / relative
        if root.resolve() not in target.resolve().parents:
            raise ValueError(f"the module path {relative!r} leads out of its folder")
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(f".{os.getpid()}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(target)
    return str(root)


@functools.cache
def _private_folder() -> Path:
    """A folder that nobody else can have put modules into; on the embedded Runpod it goes with the worker's disk."""
    return Path(tempfile.mkdtemp(prefix=".flash_jupyter_modules_", dir=os.environ.get("FLASH_JUPYTER_SCRATCH")))


def _forget(tops: set[str], folder: str) -> None:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in tops and not _is_from(module, folder):
            del sys.modules[name]


def _is_from(module: object, folder: str) -> bool:
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), "")
    return str(file).startswith(folder)


def stand_in_for_package() -> None:
    """Put a module in the place of the package, under both of its names, where that is not installed."""
    for name in (PACKAGE, RELEASED):
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            sys.modules[name] = StandIn(name)


class StandIn(types.ModuleType):
    """Has `remote` and `Endpoint`, and says nothing to everything else."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return {"remote": _decorate, "Endpoint": Decorator}.get(name) or Silent()


class Silent:
    """Takes every call and has every attribute: the endpoint of `@remote(LiveServerless(...))`."""

    def __call__(self, *_args: Any, **_kwargs: Any) -> Silent:
        """Say nothing."""
        return self

    def __getattr__(self, name: str) -> Silent:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


class Decorator(Silent):
    """What `Endpoint(...)` is above a function or a class, and its `get`, `post`, ... above a route."""

    def __init__(self, *_args: Any, **_said: Any) -> None:
        pass

    def __call__(self, *args: Any, **_kwargs: Any) -> Any:
        """Decorate what may be decorated, and take every other call."""
        return _nested(args[0]) if args and isinstance(args[0], (type, types.FunctionType)) else self


def _decorate(resource_config: Any = None, *_args: Any, **_kwargs: Any) -> Any:
    """Do as `remote` does: with and without parentheses; a class stays what it is."""
    if isinstance(resource_config, (type, types.FunctionType)):
        return _nested(resource_config)
    return _nested


def _nested(decorated: Any) -> Any:
    return decorated if isinstance(decorated, type) else Nested(decorated)


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
