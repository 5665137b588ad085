"""The user's own modules from outside of a project: which editable installs have, and the ignore files that hold there.

Whatever makes such an install (PEP 660: a `.pth` file of hatch or poetry, a finder of setuptools), the import system of
this Python knows where its modules are; only top levels are asked for, so that nothing is imported.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from flash_jupyter.build.folder import Ignore
from flash_jupyter.capture.modules import INSTALLED
from flash_jupyter.settings import PROJECT_MARKS


class Editable:
    """The editable installs of this Python; looked up when the first module is asked for."""

    def find(self, parts: Sequence[str]) -> Path | None:
        """Return the file of a module, given by the words of its name; None for one that no editable install has."""
        if parts[0] in sys.stdlib_module_names or not self._folders:
            return None
        spec, rest = _spec(parts)
        if spec is None or not self._is_ours(spec.origin):
            return None
        if not rest:
            return Path(spec.origin or "")
        for folder in spec.submodule_search_locations or ():
            base = Path(folder).joinpath(*rest)
            for path in (base / "__init__.py", base.with_suffix(".py")):
                if path.is_file():
                    return path
        return None

    def _is_ours(self, origin: str | None) -> bool:
        if not origin or not origin.endswith(".py"):
            return False
        path = Path(origin).resolve()
        return INSTALLED.isdisjoint(path.parts) and any(path.is_relative_to(folder) for folder in self._folders)

    @cached_property
    def _folders(self) -> tuple[Path, ...]:
        return tuple(folder for each in metadata.distributions() if (folder := _folder_of(each)) is not None)


def _folder_of(distribution: metadata.Distribution) -> Path | None:
    """The project that a distribution is an editable install of (`direct_url.json`, PEP 610)."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return None
    is_editable = origin.get("dir_info", {}).get("editable", False)
    return Path(url2pathname(urlsplit(origin["url"]).path)).resolve() if is_editable else None


def _spec(parts: Sequence[str]) -> tuple[ModuleSpec | None, Sequence[str]]:
    """Find the first package that has a file, below packages that have none; and the words that are left."""
    for length in range(1, len(parts) + 1):
        try:
            spec = find_spec(".".join(parts[:length]))
        except (ImportError, ValueError, AttributeError):
            return None, ()
        if spec is None or spec.has_location:
            return spec, parts[length:]
    return None, ()


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
