"""The local modules that travelled with a cell: written to a folder of their own, in front of the import path.

The folder is named after its content. When the content changes, modules that were imported from the old one are
forgotten, so that an edited `utils.py` is imported anew. They may import `flash_jupyter`: something stands in for it.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import os
import sys
import tempfile
import types
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
