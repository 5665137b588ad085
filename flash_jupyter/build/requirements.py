"""What a bundle is asked to hold: `deps=`, the project's files, and what the code imports though nothing names it.

What is only imported is pinned to the version that is installed here, for a bundle gives the values that the notebook
gave. The requirements that come out hold for the worker's Python and platform; they have no markers any more.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from flash_jupyter.build.project import Export, Project, Wanted
from flash_jupyter.build.requirement_files import check
from flash_jupyter.build.target import applies
from flash_jupyter.capture.packages import DISTRIBUTIONS, installed_modules
from flash_jupyter.errors import BuildError

#: what a bundle brings by itself, as distributions and as modules; the released client is another name of ours there
OURS = frozenset({"flash-jupyter", "runpod-flash"})
OUR_MODULES = frozenset({"flash_jupyter", "runpod_flash"})


@dataclass(frozen=True)
class Installed:
    """What is installed here: modules -> the distributions that bring them, and how to ask for one's version.

    `version` gives None for one that is not here, and "" for one that came from a folder or an address.
    """

    modules: Mapping[str, Collection[str]] = field(default_factory=installed_modules)
    version: Callable[[str], str | None] = field(default=lambda name: _version_here(name))


def requirements_of(
    project: Project,
    exports: Iterable[Export],
    *,
    python: str,
    leave_out: frozenset[str] = frozenset(),
    in_image: frozenset[str] = frozenset(),
    installed: Installed | None = None,
) -> tuple[str, ...]:
    """Return the requirements of a bundle that serves these exports, options that name an index first.

    `leave_out` are distributions that are not bundled, `in_image` modules that the image has (`target.py`). Raises
    `BuildError` for what is no requirement, what contradicts, and imports that nothing brings.
    """
    wanted = [Wanted(line, f"deps= of {export.where}") for export in exports for line in export.dependencies]
    wanted += project.requirements
    named = frozenset(name for name, _ in _by_name(wanted, python))
    brought = named | leave_out | OURS
    modules = {module for module in project.imports if str(canonicalize_name(module)) not in brought}
    if modules - sys.stdlib_module_names:  # what is installed here is a second of looking
        here = installed or Installed()
        unread = project.unread_paths
        wanted += imported(modules, named, leave_out=leave_out, in_image=in_image, installed=here, unread=unread)
    return merge(wanted, python=python, leave_out=leave_out)


def merge(wanted: Iterable[Wanted], *, python: str, leave_out: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return one requirement for each distribution, with what all of them ask of it.

    >>> merge([Wanted("torch", "a"), Wanted("Torch[x]>=2", "b"), Wanted("six; os_name == 'nt'", "c")], python="3.12")
    ('torch[x]>=2',)
    """
    wanted = list(wanted)
    options = dict.fromkeys(each.text for each in wanted if each.text.startswith("-"))
    found: dict[str, list[tuple[Requirement, str]]] = {}
    for name, (requirement, where) in _by_name(wanted, python):
        if name not in leave_out | OURS:
            found.setdefault(name, []).append((requirement, where))
    return (*options, *(_joined(name, found[name]) for name in sorted(found)))


def _by_name(wanted: Iterable[Wanted], python: str) -> Iterator[tuple[str, tuple[Requirement, str]]]:
    """Yield canonical names and requirements, only those that a worker's environment asks for."""
    for each in wanted:
        if not each.text.startswith("-"):
            requirement = check(each.text, each.where)
            if applies(requirement.marker, python):
                yield str(canonicalize_name(requirement.name)), (requirement, each.where)


def _joined(name: str, asked: list[tuple[Requirement, str]]) -> str:
    _refuse_contradictions(asked)
    extras = sorted({extra for requirement, _ in asked for extra in requirement.extras})
    specifiers = SpecifierSet()
    for requirement, _ in asked:
        specifiers &= requirement.specifier
    return f"{name}[{','.join(extras)}]{specifiers}" if extras else f"{name}{specifiers}"


def _refuse_contradictions(asked: list[tuple[Requirement, str]]) -> None:
    """Raise `BuildError` where a pinned version is one that another place forbids; ranges are left to the resolver."""
    pins = [(requirement, where, pin) for requirement, where in asked if (pin := _pinned(requirement))]
    for pinned, where, version in pins:
        for other, elsewhere in asked:
            if other is not pinned and not other.specifier.contains(version, prereleases=True):
                raise BuildError(
                    f"{where} asks for {pinned.name}{pinned.specifier}, and {elsewhere} for "
                    f"{other.name}{other.specifier}: no version is both",
                    fix="change one of them; a bundle has one version of a package",
                )


def _pinned(requirement: Requirement) -> str | None:
    for specifier in requirement.specifier:
        if specifier.operator in {"==", "==="} and not specifier.version.endswith(".*"):
            return specifier.version
    return None


def imported(
    modules: Iterable[str],
    named: frozenset[str],
    *,
    leave_out: frozenset[str] = frozenset(),
    in_image: frozenset[str] = frozenset(),
    installed: Installed,
    unread: tuple[str, ...] = (),
) -> Iterator[Wanted]:
    """Yield a pinned requirement for each imported module which no `named` or `leave_out` distribution brings.

    Where a named one is not installed here, nobody knows its modules: what is not installed either may be from it.
    `unread` is what adds to `sys.path` and can't be read: a file of the user's may be there.
    """
    is_all_known = all(installed.version(name) is not None for name in named)
    unknown: list[str] = []
    for module in sorted(set(modules) - OUR_MODULES - set(sys.stdlib_module_names)):
        here = sorted({str(canonicalize_name(name)) for name in installed.modules.get(module, ())})
        if {*here, *DISTRIBUTIONS.get(module, ()), str(canonicalize_name(module))} & (named | leave_out):
            continue
        if here:
            yield _pin(module, here, installed)
        elif module not in in_image and is_all_known:
            unknown.append(module)
    if unknown:
        raise BuildError(
            f"no package that is asked for or installed here brings {', '.join(f'`{name}`' for name in unknown)}",
            fix="write the package into deps= or requirements.txt, or install it here"
            + (f"; where it is a file of yours, write its folder as text in {unread[0]}" if unread else ""),
        )


def _pin(module: str, here: list[str], installed: Installed) -> Wanted:
    if len(here) > 1:
        raise BuildError(
            f"`{module}` is imported, and several packages bring it: {', '.join(here)}",
            fix="write the one that is meant into deps= or requirements.txt",
        )
    version = installed.version(here[0])
    if not version:
        raise BuildError(
            f"`{module}` is imported from {here[0]}, which was installed here from a folder or an address",
            fix=f"put its modules into the project, or write {here[0]} with a version of the index into deps=",
        )
    return Wanted(f"{here[0]}=={version}", f"`import {module}`, installed here")


def _version_here(name: str) -> str | None:
    """The version without its local label (`+cpu`): a pin without it fits every label."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    origin = distribution.read_text("direct_url.json")
    if origin and "archive_info" not in json.loads(origin):
        return ""
    try:
        return Version(distribution.version).public
    except InvalidVersion:
        return distribution.version
