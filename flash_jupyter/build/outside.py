"""The ignore files that hold for modules from outside of a project: those of the folder and the project they are in."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from flash_jupyter.build.ignore import Ignore
from flash_jupyter.settings import PROJECT_MARKS


class Excluded(NamedTuple):
    """Where a rule holds, what the file is called there, and the rule; empty for one of every build."""

    folder: Path
    name: str
    rule: str


class Outside:
    """The rules of other projects, read once for each."""

    def __init__(self) -> None:
        self._rules: dict[Path, Ignore] = {}

    def excluding(self, path: Path, folder: Path) -> Excluded | None:
        """Return the rule that keeps a file away, which Python finds from `folder`; None where it may be shipped."""
        for root in dict.fromkeys((_project_of(path.parent, folder), folder)):
            if root not in self._rules:
                self._rules[root] = Ignore(root)
            name = path.relative_to(root).as_posix()
            if self._rules[root].excludes(name):
                return Excluded(root, name, self._rules[root].rule(name))
        return None


def _project_of(folder: Path, otherwise: Path) -> Path:
    """The nearest folder from here upwards that holds `.git` or pyproject.toml."""
    for each in (folder, *folder.parents):
        if any((each / mark).exists() for mark in PROJECT_MARKS):
            return each
    return otherwise
