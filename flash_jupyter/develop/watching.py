"""Which files of a project the server depends on, and whether they say something else than before."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from flash_jupyter.build.folder import Ignore

#: what is read when the server starts; data that functions write must not start it again
SUFFIXES = (".py", ".ipynb")
NAMES = ("requirements.txt", "pyproject.toml", ".flashignore", ".gitignore", ".env")
#: a file that was written later may change again without another time: file systems count in steps of up to 2 s
SETTLED_S = 3.0


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


class Digests:
    """What each source file of a project says; a file is read again only where it may say something else."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        self._known: dict[Path, tuple[tuple[int, ...], str]] = {}

    def look(self) -> dict[Path, str]:
        """Return file -> digest: of a notebook its code and tags, not its outputs."""
        return {each: self._digest(each) for each in sources(self._path)}

    def _digest(self, path: Path) -> str:
        try:
            found = path.stat()
        except OSError:  # deleted meanwhile
            return ""
        stamp = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
        if path in self._known and self._known[path][0] == stamp:
            return self._known[path][1]
        digest = _digest(path)
        if self._clock() - found.st_mtime > SETTLED_S:
            self._known[path] = stamp, digest
        return digest


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
