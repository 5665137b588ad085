"""Which files of a project the server depends on, and whether they say something else than before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from flash_jupyter.build.ignore import Ignore

#: what is read when the server starts; data that functions write must not start it again
SUFFIXES = (".py", ".ipynb")
NAMES = ("requirements.txt", "pyproject.toml", ".flashignore", ".gitignore", ".env")


def sources(path: Path) -> Iterator[Path]:
    """Yield the source files of a project: all of a folder, of a notebook or module what lies beside it."""
    root, ignore = (path, Ignore(path)) if path.is_dir() else (path.parent, None)
    if ignore is None:
        yield from (each for each in sorted(root.iterdir()) if each.suffix == ".py" and each.is_file())
        if path.suffix != ".py":
            yield path
        return
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = sorted(name for name in names if not _is_ignored(here / name, root, ignore))
        yield from (here / name for name in sorted(files) if name.endswith(SUFFIXES) or name in NAMES)


def _is_ignored(folder: Path, root: Path, ignore: Ignore) -> bool:
    return folder.is_symlink() or ignore.excludes(f"{folder.relative_to(root).as_posix()}/")


def fingerprint(path: Path) -> dict[Path, str]:
    """Return what each source file says, as a digest: of a notebook its code and tags, not its outputs."""
    return {each: _digest(each) for each in sources(path)}


def _digest(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError:  # deleted meanwhile
        return ""
    if path.suffix == ".ipynb":
        try:
            cells = json.loads(content)["cells"]
            code = [[cell["source"], cell["metadata"].get("tags")] for cell in cells if cell["cell_type"] == "code"]
            content = json.dumps(code).encode()
        except (ValueError, KeyError, TypeError):  # half written, or no notebook
            pass
    return hashlib.sha256(content).hexdigest()


def changed(before: dict[Path, str], after: dict[Path, str]) -> list[Path]:
    """Return the files that came, went, or say something else."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
