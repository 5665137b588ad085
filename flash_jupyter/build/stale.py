"""Whether a bundle is older than its sources, without building again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from flash_jupyter.build.grouping import group
from flash_jupyter.build.manifest import Manifest
from flash_jupyter.build.project import Project
from flash_jupyter.build.sources import read_project
from flash_jupyter.errors import BuildError, OptionError


def sources_fingerprint(project: Project) -> str:
    """Return the SHA-256 of what a build reads of a project: its files, its requirements, what its endpoints ask for.

    Unlike the fingerprint of a bundle it needs no package index, and has nothing of this package's version.
    """
    groups = group(project.exports, project.name)
    asked = {
        "requirements": [wanted.text for wanted in project.requirements],
        "resources": {each.name: each.resource.model_dump(mode="json") for each in groups},
        "functions": [
            {
                **each.function.model_dump(mode="json"),
                "packages": [*each.dependencies, *each.system_dependencies],
            }
            for each in project.exports
        ],
    }
    return fingerprint({**project.files, "": json.dumps(asked, sort_keys=True).encode()})


def built_of(path: Path, manifest: Manifest) -> Project | None:
    """Return the sources at `path` as this manifest was built of them; None where they are others by now.

    A manifest that does not say its sources (of a released client) is taken as theirs. Raises `BuildError` and
    `OptionError` for sources that can't be read.
    """
    projects, built = read_both_ways(path), manifest.sources_fingerprint
    if built is None:
        return projects[0]
    return next((each for each in projects if sources_fingerprint(each) == built), None)


def is_of_none(manifest: Manifest, projects: list[Project]) -> bool:
    """Whether a manifest says its sources, and they are none of these."""
    built = manifest.sources_fingerprint
    return built is not None and built not in {sources_fingerprint(each) for each in projects}


def read_both_ways(path: Path) -> list[Project]:
    """Read sources without and with their `%%remote` cells: a build does not say whether these were exported too.

    Raises `BuildError` or `OptionError` where neither can be built.
    """
    found: list[Project] = []
    failures: list[BuildError | OptionError] = []
    for from_magics in (False, True):
        try:
            found.append(read_project(path, from_magics=from_magics))
        except (BuildError, OptionError) as failure:  # one may have nothing but such cells, or cells that can't be
            failures.append(failure)
    if not found:
        raise failures[0]
    return found


def fingerprint(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of POSIX paths and contents, sorted by path, each after its length in 8 bytes, big-endian.

    >>> fingerprint({"b.py": b"2", "a.py": b"1"}) == fingerprint({"a.py": b"1", "b.py": b"2"})
    True
    >>> fingerprint({"a": b"bc"}) == fingerprint({"ab": b"c"})
    False
    """
    total = hashlib.sha256()
    for path in sorted(files):
        for piece in (path.encode(), files[path]):
            total.update(len(piece).to_bytes(8, "big"))
            total.update(piece)
    return total.hexdigest()
