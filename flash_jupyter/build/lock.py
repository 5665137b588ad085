"""From requirements to a lock: which version of each package, for the workers' Python and platform.

From any machine, from wheels only, with the index that uv or pip are set up for here. The resolver starts in an empty
folder, so that settings of the project (`[tool.uv]`) can't bring addresses into a lock.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

from flash_jupyter import limits
from flash_jupyter.build import failures, pip_resolve
from flash_jupyter.build.installer import Installer, find_installer
from flash_jupyter.build.locked import Lock, Pinned
from flash_jupyter.build.pip_resolve import CONSTRAINTS
from flash_jupyter.build.project import CONSTRAINT
from flash_jupyter.build.target import UV_PLATFORM, applies
from flash_jupyter.errors import BuildError

_INPUT, _OVERRIDES = "requirements.in", "overrides.txt"
_PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=(\S+)")
#: parts of CUDA which torch's usual wheels require: 2.9 GB unpacked (torch 2.15, observed 2026-11-22)
_CUDA = re.compile(r"nvidia-(cublas|cudnn)(-cu\d+)?")


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
            packages = pip_resolve.resolve(tool, requirements, python=python, leave_out=leave_out, folder=folder)
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


def _write(path: Path, lines: Iterator[str] | tuple[str, ...]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
