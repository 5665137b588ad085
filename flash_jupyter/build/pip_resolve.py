"""Resolution where uv is absent: pip chooses the versions, and what they require in turn is followed here.

pip reads environment markers with the values of the machine that it runs on, whatever `--platform` says, and can't
leave a package out. So it is asked without dependencies, again and again until nothing new is required. It is asked to
download, not to install without doing it: only so does it compare `Requires-Python` with the workers' Python.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from flash_jupyter.build import failures
from flash_jupyter.build.installer import Installer
from flash_jupyter.build.locked import Pinned
from flash_jupyter.build.project import Wanted
from flash_jupyter.build.requirements import merge
from flash_jupyter.build.target import PIP_PLATFORMS, applies
from flash_jupyter.errors import BuildError

#: rounds after which requirements that still change are given up: a chain of dependencies is rarely longer than 8
ROUNDS = 25
#: the file of constraints, in the folder of a resolution; it may be empty
CONSTRAINTS = "constraints.txt"


def resolve(
    pip: Installer, requirements: tuple[str, ...], *, python: str, leave_out: frozenset[str], folder: Path
) -> tuple[Pinned, ...]:
    """Return the packages that these requirements and their dependencies need: the newest that fit, no backtracking.

    Raises `BuildError` where versions that were chosen contradict each other: uv would look for others.
    """
    wanted = merge((Wanted(line, "requirements") for line in requirements), python=python, leave_out=leave_out)
    for number in range(ROUNDS):
        chosen = _choose(pip, wanted, python, folder / f"round-{number}")
        found = merge(_all_wanted(requirements, chosen, python), python=python, leave_out=leave_out)
        if found == wanted:
            return tuple(_pinned(name, wheel) for name, wheel in chosen.items())
        wanted = found
    raise BuildError(
        f"pip found no versions that fit together within {ROUNDS} rounds",
        fix="install uv, which tries older versions too, or pin versions in requirements.txt",
    )


def platform_options(python: str) -> Iterator[str]:
    """Yield pip's options for a worker's Python and platform, wheels only."""
    yield from ("--only-binary", ":all:", "--implementation", "cp", "--python-version", python)
    for platform in PIP_PLATFORMS:
        yield from ("--platform", platform)


def _choose(pip: Installer, wanted: tuple[str, ...], python: str, folder: Path) -> dict[str, Path]:
    """Return the wheel that pip takes for each requirement, by canonical name."""
    folder.mkdir()
    if all(line.startswith("-") for line in wanted):
        return {}
    (folder / "requirements.in").write_text("\n".join(wanted), "utf-8")
    command = (
        "download",
        "--no-deps",
        "--dest",
        ".",
        *platform_options(python),
        "-r",
        "requirements.in",
        "-c",
        f"../{CONSTRAINTS}",
    )
    done = pip.run(*command, folder=folder)
    if done.returncode:
        raise failures.explain_pip(done.stderr, pip, command, python=python, folder=folder)
    return {str(canonicalize_name(_read(wheel).metadata["Name"])): wheel for wheel in sorted(folder.glob("*.whl"))}


def _read(wheel: Path) -> Distribution:
    """Return what a wheel says of itself."""
    info = next(place for place in zipfile.Path(wheel).iterdir() if place.name.endswith(".dist-info"))
    return PathDistribution(info)


def _all_wanted(requirements: Iterable[str], chosen: Mapping[str, Path], python: str) -> Iterator[Wanted]:
    """Yield what was asked for, and what the chosen versions require, with the extras that they are wanted with."""
    todo = [Wanted(line, "requirements") for line in requirements]
    seen: set[tuple[str, str]] = set()
    while todo:
        each = todo.pop(0)
        yield each
        if each.text.startswith("-"):
            continue
        requirement = Requirement(each.text)
        name = str(canonicalize_name(requirement.name))
        for extra in sorted({"", *requirement.extras}):
            if name in chosen and (name, extra) not in seen:
                seen.add((name, extra))
                todo += _required(_read(chosen[name]), extra, python)


def _required(distribution: Distribution, extra: str, python: str) -> Iterator[Wanted]:
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if applies(requirement.marker, python, extra):
            requirement.marker = None
            yield Wanted(str(requirement), f"{distribution.metadata['Name']} {distribution.version}")


def _pinned(name: str, wheel: Path) -> Pinned:
    return Pinned(name, _read(wheel).version, (f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}",))
