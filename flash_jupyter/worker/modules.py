"""The local modules that travelled with a cell: written to a folder of their own, in front of the import path.

The folder is named after its content. When the content changes, modules that were imported from the old one are
forgotten, so that an edited `utils.py` is imported anew.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import sys
import tempfile
from pathlib import Path

from flash_jupyter.worker.standin import stand_in_for_package

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
