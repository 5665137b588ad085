"""From requirements to a lock: which version of each package, for the workers' Python and platform.

From any machine, from wheels only, with the index that uv or pip are set up for here. The resolver starts in an empty
folder, so that settings of the project (`[tool.uv]`) can't bring addresses into a lock.

pip, where uv is absent, reads environment markers with the values of the machine that it runs on, whatever `--platform`
says, and can't leave a package out. So it chooses the versions without dependencies, which are followed here, again and
again until nothing new is required. It is asked to download, not to install without doing it: only so does it compare
`Requires-Python` with the workers' Python.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from flash_jupyter import limits
from flash_jupyter.build import failures
from flash_jupyter.build.installer import Installer, find_installer
from flash_jupyter.build.project import CONSTRAINT, Wanted
from flash_jupyter.build.requirements import merge
from flash_jupyter.build.target import PIP_PLATFORMS, UV_PLATFORM, applies, required_by
from flash_jupyter.errors import BuildError

_INPUT, _OVERRIDES = "requirements.in", "overrides.txt"
_PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=(\S+)")
#: parts of CUDA which torch's usual wheels require: 2.9 GB unpacked (torch 2.15, observed 2026-11-22)
_CUDA = re.compile(r"nvidia-(cublas|cudnn)(-cu\d+)?")
#: rounds after which requirements that still change are given up: a chain of dependencies is rarely longer than 8
ROUNDS = 25
#: the file of constraints, in the folder of a resolution; it may be empty
CONSTRAINTS = "constraints.txt"
#: the lock's name in a bundle
FILE_NAME = "flash_lock.txt"


@dataclass(frozen=True)
class Pinned:
    """One package; `hashes` are those of its files, as in `sha256:...`."""

    name: str
    version: str
    hashes: tuple[str, ...]


@dataclass(frozen=True)
class Lock:
    """The packages of a bundle for one Python, sorted by name.

    `options` name the index that they are from, where the project's files do; they are never part of the text.
    """

    python: str
    packages: tuple[Pinned, ...] = ()
    options: tuple[str, ...] = field(default=(), repr=False)

    def text(self) -> str:
        """Return the file of the bundle, in pip's format: `pip install --require-hashes -r` takes it."""
        head = f"# Python {self.python} on {UV_PLATFORM}\n"
        return head + "".join(
            " \\\n".join([f"{package.name}=={package.version}", *(f"    --hash={each}" for each in package.hashes)])
            + "\n"
            for package in self.packages
        )

    @property
    def digest(self) -> str:
        """The SHA-256 of the text: what is installed from two locks of one digest is the same."""
        return hashlib.sha256(self.text().encode()).hexdigest()


def resolve(
    requirements: tuple[str, ...],
    *,
    python: str,
    cache: Path,
    leave_out: frozenset[str] = frozenset(),
    installer: Installer | None = None,
) -> Lock:
    """Return the lock of these requirements for a Python ("3.12"), without the distributions to `leave_out`.

    Those are not required by others either. Raises `BuildError` where a package has no wheel for a worker, where no
    versions fit together, and where the index does not answer.
    """
    constraints = tuple(_constraints(requirements, python))
    requirements = tuple(line for line in requirements if not line.startswith(CONSTRAINT))
    options = tuple(line for line in requirements if line.startswith("-"))
    if len(requirements) == len(options):
        return Lock(python, options=options)
    tool = installer or find_installer()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="resolve-", dir=cache) as name:
        folder = Path(name)
        _write(folder / CONSTRAINTS, constraints)
        if tool.is_uv:
            packages = _resolve_with_uv(tool, requirements, python, leave_out, folder)
        else:
            packages = _resolve_with_pip(tool, requirements, python, leave_out, folder)
    _refuse_cuda(packages)
    return Lock(python, tuple(sorted(packages, key=lambda package: package.name)), options)


def _constraints(requirements: tuple[str, ...], python: str) -> Iterator[str]:
    """Yield the constraints that hold for a worker's Python; without markers, which pip reads for this machine."""
    for line in requirements:
        if line.startswith(CONSTRAINT):
            requirement = Requirement(line.removeprefix(CONSTRAINT))
            if applies(requirement.marker, python):
                requirement.marker = None
                yield str(requirement)


def _refuse_cuda(packages: tuple[Pinned, ...]) -> None:
    """Raise `BuildError` before gigabytes are installed that no bundle can hold."""
    names = {package.name for package in packages}
    parts = sorted(name for name in names if _CUDA.fullmatch(name))
    if "torch" in names and parts:
        raise BuildError(
            f"torch brings CUDA ({', '.join(parts)}), which is larger than the {limits.BUNDLE_BYTES / 1e6:,.0f} MB "
            "that a bundle may have; of the published images only those for GPUs have it",
            fix="build what needs torch without CPU resources, leave it out with --exclude torch where an image of "
            "your own has it, or name an index that has torch for CPUs",
        )


def _resolve_with_uv(
    uv: Installer, requirements: tuple[str, ...], python: str, leave_out: frozenset[str], folder: Path
) -> tuple[Pinned, ...]:
    _write(folder / _INPUT, requirements)
    # an override that never applies: the package is wanted by nobody any more, whoever requires it
    _write(folder / _OVERRIDES, (f"{name} ; sys_platform == 'never'" for name in sorted(leave_out)))
    done = uv.run(
        *("pip", "compile", _INPUT, "--overrides", _OVERRIDES, "--constraints", CONSTRAINTS, "--quiet"),
        *("--python", sys.executable, "--no-python-downloads"),
        *("--python-version", python, "--python-platform", UV_PLATFORM, "--only-binary", ":all:"),
        *("--generate-hashes", "--no-annotate", "--no-header"),
        folder=folder,
    )
    if done.returncode:
        raise failures.explain_uv(done.stderr, uv, requirements, python=python, folder=folder)
    return tuple(read_pins(done.stdout))


def read_pins(text: str) -> Iterator[Pinned]:
    r"""Read a lock in pip's format.

    >>> list(read_pins("six==1.17.0 \\\n    --hash=sha256:ab\n"))
    [Pinned(name='six', version='1.17.0', hashes=('sha256:ab',))]
    """
    for line in text.replace("\\\n", " ").splitlines():
        if pin := _PIN.match(line):
            yield Pinned(pin["name"], pin["version"], tuple(sorted(_HASH.findall(line))))


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _resolve_with_pip(
    pip: Installer, requirements: tuple[str, ...], python: str, leave_out: frozenset[str], folder: Path
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
    _write(folder / _INPUT, wanted)
    command = ("download", "--no-deps", "--dest", ".", *platform_options(python))
    command += ("-r", _INPUT, "-c", f"../{CONSTRAINTS}")
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
                wheel = _read(chosen[name])
                where = f"{wheel.metadata['Name']} {wheel.version}"
                todo += [Wanted(str(each), where) for each in required_by(wheel, python, extra)]


def _pinned(name: str, wheel: Path) -> Pinned:
    return Pinned(name, _read(wheel).version, (f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}",))
