"""Which packages a bundle brings, and where: at its root those of all resources, beside it what some images lack."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name

from flash_jupyter.build.install import install
from flash_jupyter.build.lock import FILE_NAME, Lock, resolve
from flash_jupyter.build.project import Group, Project
from flash_jupyter.build.requirements import requirements_of
from flash_jupyter.build.target import FAMILY, in_image, left_out, matched
from flash_jupyter.build.text import BundleTexts

#: begins the folder of what only some resources have
FOLDER = "packages"


@dataclass(frozen=True)
class Packages:
    """What was installed: `files` record it in the bundle, `folders` has the folder of a resource with its own."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def folder_of(self, group: Group) -> str:
        """Return the folder of the packages that only this resource has; empty for none."""
        return self.folders.get(group.name, "")


def add_packages(
    folder: Path, project: Project, groups: tuple[Group, ...], *, python: str, exclude: tuple[str, ...], cache: Path
) -> Packages:
    """Install into `folder` what the project needs, for workers of this Python; from the cache where it is known.

    Raises `BuildError` for what can't be had.
    """
    excluded = frozenset(str(canonicalize_name(name)) for name in exclude)
    locks = _locks(project, groups, python=python, excluded=excluded, cache=cache)
    shared = min(locks.values(), key=lambda lock: (len(lock.packages), lock.digest), default=Lock(python))
    places = {lock.digest: f"{FOLDER}_{name}" for name, lock in reversed(locks.items())} | {shared.digest: ""}
    files: dict[str, bytes] = {}
    for digest, place in places.items():
        lock = next((lock for lock in locks.values() if lock.digest == digest), shared)
        install(lock, folder / place, cache=cache)
        if lock.packages:
            files[f"{place}/{FILE_NAME}".lstrip("/")] = lock.text().encode()
    folders = {name: places[lock.digest] for name, lock in locks.items() if places[lock.digest]}
    return Packages(files, folders, tuple(_notes(project, groups, excluded, folder, python)))


def _locks(
    project: Project, groups: tuple[Group, ...], *, python: str, excluded: frozenset[str], cache: Path
) -> dict[str, Lock]:
    """Return the lock of each resource; those whose images have nothing of what others bring share one."""
    found: dict[str, Lock] = {}
    known: list[tuple[frozenset[str], Lock]] = []
    asked: dict[tuple[frozenset[str], frozenset[str]], tuple[str, ...]] = {}
    exports = [export for each in groups for export in each.exports]
    for each in sorted(groups, key=lambda each: len(left_out(each.resource, python))):
        absent = left_out(each.resource, python) | excluded | of_others(each, groups, project)
        image = absent, in_image(each.resource, python)
        if image not in asked:
            asked[image] = requirements_of(project, exports, python=python, leave_out=absent, in_image=image[1])
        lock = next((lock for less, lock in known if less <= absent and not _names(lock) & absent), None)
        if lock is None:
            lock = resolve(asked[image], python=python, cache=cache, leave_out=absent)
            known.append((absent, lock))
        found[each.name] = lock
    return {each.name: found[each.name] for each in groups}


def of_others(group: Group, groups: tuple[Group, ...], project: Project) -> frozenset[str]:
    """Return what of the torch family only functions of other resources ask for: it is large, and not for this one."""
    asked = _family_of(text for each in groups for export in each.exports for text in export.dependencies)
    mine = _family_of(text for export in group.exports for text in export.dependencies)
    mine |= _family_of(wanted.text for wanted in project.requirements if not wanted.text.startswith("-"))
    reached = BundleTexts(project.files).reached({export.function.module for export in group.exports})
    mine |= {name for _, names in reached for name in names}
    return frozenset(asked - mine)


def _family_of(texts: Iterable[str]) -> set[str]:
    """The packages of the family among requirements; what is none is told of where it is read."""
    words = (re.split(r"[^\w.-]", text.strip(), maxsplit=1)[0] for text in texts)
    return {name for name in map(canonicalize_name, words) if name in FAMILY}


def _names(lock: Lock) -> frozenset[str]:
    return frozenset(str(canonicalize_name(package.name)) for package in lock.packages)


def _notes(
    project: Project, groups: tuple[Group, ...], excluded: frozenset[str], site: Path, python: str
) -> Iterator[str]:
    """Say which packages nobody would have installed."""
    asked = [each.text for each in project.requirements]
    asked += [text for each in groups for export in each.exports for text in export.dependencies]
    imported = {str(canonicalize_name(name)) for name in project.imports}
    for name in sorted(excluded - matched(excluded, asked, site, python) - imported):
        yield f"--exclude {name}: nothing asks for it"
