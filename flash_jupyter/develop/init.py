"""`flash init`: a project that works as it stands, from the files of `skeleton/`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flash_jupyter.errors import SettingsError

SKELETON = Path(__file__).parent / "skeleton"
#: stands for the project's name in the skeleton
PLACEHOLDER = "example-project"
#: begins the names of files that begin with a dot in a project: a wheel may lack those that do here
DOT = "dot-"
#: may hold the user's key
PRECIOUS = frozenset({".env"})


@dataclass(frozen=True)
class Created:
    """A new project; `files` were written, named from its folder, `overwritten` are those that were there before.

    `kept` are those that are never overwritten: they may hold the user's key.
    """

    name: str
    folder: Path
    files: tuple[str, ...]
    overwritten: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the fields as `--json` prints them."""
        return {
            "name": self.name,
            "folder": str(self.folder),
            "files": list(self.files),
            "overwritten": list(self.overwritten),
            "kept": list(self.kept),
        }


def create_project(folder: Path, *, force: bool = False) -> Created:
    """Write a new project into `folder`, which is made where it is missing; the project is named after it.

    Nothing is overwritten without `force`, and `PRECIOUS` never. Raises `SettingsError`, before anything is written,
    with the files that are there already, and where the folder can't be written.
    """
    folder = folder.expanduser().resolve()
    name, files = project_name(folder), dict(_skeleton())
    taken = tuple(relative for relative in files if _is_taken(folder, relative))
    if taken and not force:
        raise SettingsError(
            f"nothing was written: {folder} has {', '.join(taken)} already",
            fix="choose another folder, or overwrite them with --force",
        )
    kept = tuple(relative for relative in taken if relative in PRECIOUS)
    try:
        for relative in files.keys() - set(kept):
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[relative].replace(PLACEHOLDER, name), encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"the project can't be written: {error.filename or folder}: {error.strerror}",
            fix="choose another folder, or remove what stands in its way",
        ) from None
    written = tuple(relative for relative in files if relative not in kept)
    return Created(name, folder, written, tuple(relative for relative in taken if relative in written), kept)


def project_name(folder: Path) -> str:
    """Return the name of a folder as endpoints can have it.

    >>> project_name(Path("/projects/My Shop!")), project_name(Path("/"))
    ('my-shop', 'project')
    """
    return re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "project"


def _skeleton() -> Iterator[tuple[str, str]]:
    """Yield path and text of each file of a new project."""
    for path in sorted(SKELETON.rglob("*")):
        relative = path.relative_to(SKELETON)
        if path.is_file() and "__pycache__" not in relative.parts and not relative.name.startswith("."):
            name = relative.name
            named = f".{name.removeprefix(DOT)}" if name.startswith(DOT) else name
            yield relative.with_name(named).as_posix(), path.read_text(encoding="utf-8")


def _is_taken(folder: Path, relative: str) -> bool:
    """Whether a file, or what stands in the place of its folder, is there."""
    path = folder / relative
    return path.exists() or path.is_symlink() or any(p.is_file() for p in path.parents if p.is_relative_to(folder))
