"""Why packages could not be resolved, or none of their wheels fits a worker, in words that say what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from flash_jupyter.build.installer import Installer
from flash_jupyter.build.target import GLIBC
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.images import PUBLISHED_PYTHONS, show_python

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: words of uv and pip for an index that does not answer
UNREACHABLE = re.compile(
    r"error sending request|dns error|tcp connect error|operation timed out|network was disabled"
    r"|Failed to establish a new connection|Max retries exceeded|Name or service not known|Connection refused"
)
_NO_WHEEL = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(?P<spec>[<>=!~]=?[^\s,]+(?:,[<>=!~]=?[^\s,]+)*)? has no (?:usable )?wheels"
)
_NOT_FOUND = re.compile(
    r"Because (?P<name>[\w.-]+) was not found in the (?:package registry|provided package locations)"
)
#: a file of the index, in pip's log
_FILE = re.compile(r"/([^/\s]+\.(?:whl|tar\.gz|zip))")
_LOWEST = re.compile(r"Python>=(3\.\d+)")
_LAST_LINES = 12
#: how many versions are listed that would do
_NEWEST = 6
_CPYTHON = re.compile(r"(cp|py)\d+")
_GLIBC_OF_NAME = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_OTHERS = (
    ("win", "Windows"),
    ("macosx", "macOS"),
    ("musllinux", "linux with musl"),
    ("manylinux", "linux on other processors"),
    ("linux", "linux on other processors"),
)


def explain_uv(text: str, uv: Installer, requirements: tuple[str, ...], *, python: str, folder: Path) -> BuildError:
    """Return the error for what `uv pip compile` said; which wheels a package has is asked of the index."""
    if UNREACHABLE.search(text):
        return unreachable(text)
    if lost := _NOT_FOUND.search(text):
        return _not_found(lost["name"])
    if found := _NO_WHEEL.search(text):
        name = str(canonicalize_name(found["name"]))
        spec = found["spec"] if (found["spec"] or "").startswith("==") else _asked(name, requirements)
        version, wheels = find_wheels(uv, f"{name}{spec}", requirements, folder)
        if wheels is None:
            return _no_versions(text)
        by = re.search(rf"(?:of )?(?P<by>[\w.-]+)(?:[<>=!~]\S+)? depends? on {re.escape(found['name'])}\b", text)
        return no_wheel(
            name, version or spec.removeprefix("=="), wheels, python=python, required_by=by["by"] if by else ""
        )
    return _no_versions(text)


def explain_pip(text: str, pip: Installer, command: tuple[str, ...], *, python: str, folder: Path) -> BuildError:
    """Return the error for what `pip download` said; which wheels there are is in its log of the same command."""
    if UNREACHABLE.search(text):
        return unreachable(text)
    lost = re.search(r"No matching distribution found for (\S+)", text)
    if lost is None:
        return _no_versions(text)
    requirement = Requirement(lost[1])
    log = pip.run(*command, "-vv", folder=folder)
    files = sorted(set(_FILE.findall(log.stdout + log.stderr)))
    wheels = by_version(requirement.name, files)
    fitting = sorted(requirement.specifier.filter(wheels))
    if wheels and not fitting:
        newest = ", ".join(str(version) for version in sorted(wheels)[-_NEWEST:])
        return _no_versions(f"there is no wheel of {requirement}; the newest are {newest}")
    if not wheels and not any(
        canonicalize_name(file).startswith(canonicalize_name(requirement.name)) for file in files
    ):
        return unreachable(text) if UNREACHABLE.search(log.stdout + log.stderr) else _not_found(requirement.name)
    version = fitting[-1] if fitting else None
    files = wheels[version] if version else []
    return no_wheel(requirement.name, str(version or ""), files, python=python)


def find_wheels(
    uv: Installer, requirement: str, requirements: tuple[str, ...], folder: Path
) -> tuple[str, tuple[str, ...] | None]:
    """Return the version that a requirement means, and the file names of all its wheels, for whatever they are made.

    None where uv can't tell, because it is too old or the index does not answer any more.
    """
    options = [line for line in requirements if line.startswith("-")]
    (folder / "one.in").write_text("\n".join([*options, requirement]), "utf-8")
    python = "3.8"
    # uv names no wheels of Pythons that it is not asked for, and takes none that the package refuses
    for _ in range(2):
        done = uv.run(
            *("pip", "compile", "one.in", "--universal", "--no-deps", "--only-binary", ":all:", "--quiet"),
            *("--python", sys.executable, "--no-python-downloads", "--python-version", python),
            *("--format", "pylock.toml", "--no-header"),
            folder=folder,
        )
        lowest = _LOWEST.search(done.stderr)
        if done.returncode == 0:
            package = tomllib.loads(done.stdout)["packages"][-1]
            return package["version"], tuple(_file_names(package))
        if lowest is None:
            return "", () if _NO_WHEEL.search(done.stderr) else None
        python = lowest[1]
    return "", None


def _file_names(package: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    for wheel in package.get("wheels", []):
        place = wheel.get("name") or wheel.get("url") or wheel.get("path") or ""
        yield place.replace("\\", "/").rpartition("/")[2]


def _asked(name: str, requirements: tuple[str, ...]) -> str:
    """What is asked of a package's version; nothing where another one requires it."""
    parsed = [Requirement(line) for line in requirements if not line.startswith("-")]
    return next((str(each.specifier) for each in parsed if canonicalize_name(each.name) == name), "")


def unreachable(text: str) -> BuildError:
    """Return the error for an index that does not answer."""
    return BuildError(
        f"the package index does not answer: {end_of(text)}",
        fix="look at the network and at the index that uv or pip are set up for, then build again",
    )


def _not_found(name: str) -> BuildError:
    return BuildError(
        f"the package index has no package called {name}",
        fix="write the name that its project page has (opencv-python, not cv2), or leave it out with --exclude",
    )


def _no_versions(text: str) -> BuildError:
    if re.search(r"requires (a different )?Python", text):
        return BuildError(
            f"a package is not for the workers' Python: {end_of(text)}",
            fix="build for another one with --python-version, or ask for an older version of the package",
        )
    return BuildError(
        f"no versions fit together: {end_of(text)}", fix="change the versions in deps= or requirements.txt"
    )


def end_of(text: str) -> str:
    """The last lines of what the resolver said."""
    lines = [line.strip().removeprefix("error: ") for line in text.strip().splitlines() if line.strip()]
    return "\n    ".join(lines[-_LAST_LINES:])


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
