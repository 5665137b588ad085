"""Which wheels a package has, read from their names, and why none of them fits a worker."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from flash_jupyter.build.target import GLIBC
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.images import PUBLISHED_PYTHONS, show_python

_CPYTHON = re.compile(r"(cp|py)\d+")
_GLIBC_OF_NAME = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_OTHERS = (
    ("win", "Windows"),
    ("macosx", "macOS"),
    ("musllinux", "linux with musl"),
    ("manylinux", "linux on other processors"),
    ("linux", "linux on other processors"),
)


class Wheel(NamedTuple):
    """One thing that a wheel is for; `python` as in "3.12" or "3.9 and newer", `glibc` where it is linux x86_64."""

    python: str
    platform: str
    glibc: tuple[int, int] | None = None


def no_wheel(name: str, version: str, file_names: Iterable[str], *, python: str, required_by: str = "") -> BuildError:
    """Return the error for a package without a wheel for linux x86_64 and this Python; it says which it has."""
    wheels = tuple(_read(file_names))
    package = f"{name} {version}".strip() + (f", which {required_by} requires," if required_by else "")
    start = f"{package} has no wheel for Python {python} on linux x86_64"
    linux = [wheel for wheel in wheels if wheel.glibc]
    usable = [wheel for wheel in linux if wheel.glibc and wheel.glibc <= GLIBC]
    if not wheels:
        return BuildError(
            f"{start}, nor for any other: it would have to be compiled, which a build does not do",
            fix=f"ask for another version or package, or leave it out with --exclude {name} where the image has it",
        )
    if usable:
        return BuildError(
            f"{start}; it has wheels for Python {_pythons(usable)} there", fix=_other_python(name, usable, python)
        )
    if linux:
        lowest = min(wheel.glibc for wheel in linux if wheel.glibc)
        return BuildError(
            f"{start} and glibc {_show(GLIBC)}, which the images promise; its wheels ask for glibc {_show(lowest)} "
            f"(manylinux_{lowest[0]}_{lowest[1]})",
            fix=f"ask for an older version of {name}",
        )
    places = ", ".join(sorted({wheel.platform for wheel in wheels}))
    return BuildError(
        f"{start}; it has wheels for Python {_pythons(wheels)} on {places}",
        fix=f"workers run linux: do without {name} in what they run, or ask for a version that has such wheels",
    )


def by_version(name: str, file_names: Iterable[str]) -> dict[Version, list[str]]:
    """Return the wheels of a distribution among these files, version -> file names.

    >>> by_version("six", ["six-1.0-py3-none-any.whl", "six-1.0.tar.gz", "sixth-2.0-py3-none-any.whl"])
    {<Version('1.0')>: ['six-1.0-py3-none-any.whl']}
    """
    found: dict[Version, list[str]] = {}
    for file_name in file_names:
        try:
            wheel, version, _, _ = parse_wheel_filename(file_name)
        except InvalidWheelFilename:
            continue
        if wheel == canonicalize_name(name):
            found.setdefault(version, []).append(file_name)
    return found


def _other_python(name: str, usable: list[Wheel], python: str) -> str:
    """Images are published for some Pythons only; whether a newer or an older version has the wheel can be told."""
    published = [show_python(each) for each in PUBLISHED_PYTHONS]
    fitting = [each for each in published if any(wheel.python.split()[0] == each for wheel in usable)]
    is_too_old = all(_key(wheel.python) < _key(python) for wheel in usable)
    version = f"a newer version of {name}" if is_too_old else f"an older version of {name}"
    if not fitting:
        return f"ask for {version}"
    return f"build with --python-version {fitting[-1] if is_too_old else fitting[0]}, or ask for {version}"


def _read(file_names: Iterable[str]) -> Iterator[Wheel]:
    for file_name in file_names:
        try:
            tags = parse_wheel_filename(file_name)[3]
        except InvalidWheelFilename:
            continue
        yield from (_wheel(tag) for tag in tags if _CPYTHON.fullmatch(tag.interpreter))


def _wheel(tag: Tag) -> Wheel:
    python, glibc = _python_of(tag), _glibc_of(tag.platform)
    if glibc:
        return Wheel(python, "linux x86_64", glibc)
    return Wheel(python, next((label for start, label in _OTHERS if tag.platform.startswith(start)), tag.platform))


def _python_of(tag: Tag) -> str:
    digits = tag.interpreter[2:]
    version = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{version} and newer" if tag.abi == "abi3" else version


def _glibc_of(platform: str) -> tuple[int, int] | None:
    if platform == "linux_x86_64":
        return (2, 5)
    found = re.fullmatch(r"(manylinux\w*?)(?:_(\d+)_(\d+))?_x86_64", platform)
    if found is None:
        return None
    return (int(found[2]), int(found[3])) if found[2] else _GLIBC_OF_NAME.get(found[1])


def _pythons(wheels: Iterable[Wheel]) -> str:
    return ", ".join(sorted({wheel.python for wheel in wheels}, key=_key))


def _key(python: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", python))


def _show(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
