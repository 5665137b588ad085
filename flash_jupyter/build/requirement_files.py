"""What a project's files ask for: requirements.txt, `[project]` of pyproject.toml, and script blocks (PEP 723).

Dependencies that pyproject.toml calls dynamic, and those of a tool's own table, are not read: what the code imports is
found anyway (`requirements.py`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from flash_jupyter.build.project import CONSTRAINT, Wanted
from flash_jupyter.errors import BuildError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: options of a line that say where packages come from; they hold for this build, and never enter the bundle
INDEX_OPTIONS = {"-i": "--index-url", "-f": "--find-links"}
INDEX_NAMES = frozenset({"--index-url", "--extra-index-url", "--find-links", "--no-index", "--trusted-host"})
#: options that change nothing here: there are wheels only, and their hashes are always checked
WITHOUT_EFFECT = frozenset({"--prefer-binary", "--only-binary", "--require-hashes", "--use-feature"})
NESTED = frozenset({"-r", "--requirement"})
CONSTRAINTS = frozenset({"-c", "--constraint"})
EDITABLE = ("-e", "--editable")
#: what uv reads of pyproject.toml and a build does not
UV_SETTINGS = ("sources", "index", "constraint-dependencies", "override-dependencies")
#: the project itself, with or without extras: its files are in the bundle anyway
_ITSELF = re.compile(r"\.(?:\[(?P<extras>[\w\-., ]+)\])?$")


def read_files(root: Path) -> tuple[Wanted, ...]:
    """Read `requirements.txt` and `pyproject.toml` of a folder, those that are there.

    Raises `BuildError` for what is no requirement, and for addresses and local paths: a bundle is locked by names,
    versions and hashes.
    """
    found = list(read_pyproject(root / "pyproject.toml"))
    if (root / "requirements.txt").is_file():
        found += read_requirements(root / "requirements.txt", root)
    return tuple(dict.fromkeys(found))


def read_pyproject(path: Path, extras: Iterable[str] | None = None) -> Iterator[Wanted]:
    """Read the `dependencies` of `[project]`, or only its optional ones of these `extras`; nothing without the file."""
    if not path.is_file():
        return
    project = _toml(path.read_text("utf-8"), path.name).get("project", {})
    itself = canonicalize_name(str(project.get("name", "")))
    optional = {canonicalize_name(name): lines for name, lines in project.get("optional-dependencies", {}).items()}
    todo = [project.get("dependencies", [])] if extras is None else []
    todo += [optional.get(canonicalize_name(extra), []) for extra in extras or ()]
    while todo:
        for line in todo.pop(0):
            requirement = check(str(line), path.name)
            if itself and canonicalize_name(requirement.name) == itself:
                todo += [optional.pop(canonicalize_name(extra), []) for extra in sorted(requirement.extras)]
            else:
                yield Wanted(str(line).strip(), path.name)


def read_script(text: str, name: str) -> tuple[Wanted, ...]:
    r"""Read the script block of a Python file, or of a notebook's cell as juv writes it (PEP 723).

    >>> read_script("# /// script\n# dependencies = ['six']\n# ///\nimport six", "job.py")
    (Wanted(text='six', where='the script block of job.py'),)
    """
    block = _script_block(text)
    if block is None:
        return ()
    where = f"the script block of {name}"
    lines = _toml(block, where).get("dependencies", [])
    for line in lines:
        check(str(line), where)
    return tuple(Wanted(str(line).strip(), where) for line in lines)


def _script_block(text: str) -> str | None:
    """Return the TOML between `# /// script` and the last `# ///` of the comment that follows."""
    lines = [line.rstrip() for line in text.splitlines()]
    if "# /// script" not in lines:
        return None
    comment: list[str] = []
    for line in lines[lines.index("# /// script") + 1 :]:
        if line != "#" and not line.startswith("# "):
            break
        comment.append(line)
    if "# ///" not in comment:
        return None
    end = len(comment) - 1 - comment[::-1].index("# ///")
    return "\n".join(line[2:] for line in comment[:end])


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{where} is no TOML: {error}", fix="repair it") from None


def unread_settings(root: Path) -> tuple[str, ...]:
    """Say which settings of other tools in pyproject.toml change what they install, and not what a build does."""
    path = root / "pyproject.toml"
    tools = _toml(path.read_text("utf-8"), path.name).get("tool", {}) if path.is_file() else {}
    found = [(f"[tool.uv] {key}", tools.get("uv", {}).get(key)) for key in UV_SETTINGS]
    found.append(("[tool.poetry.dependencies]", tools.get("poetry", {}).get("dependencies")))
    return tuple(_told(setting, value) for setting, value in found if value)


def _told(setting: str, value: Any) -> str:
    names = f" of {', '.join(value)}" if isinstance(value, dict) else ""
    return (
        f"pyproject.toml: {setting}{names} is not read; what a build asks for stands in [project] or requirements.txt"
    )


def read_requirements(path: Path, root: Path, outer: tuple[Path, ...] = ()) -> Iterator[Wanted]:
    """Read a file in pip's format, those that it names with `-r`, and as constraints those that it names with `-c`."""
    name = _name(path, root)
    for number, line in _lines(path):
        where = f"{name}, line {number}"
        option, _, rest = line.replace("=", " ", 1).partition(" ") if line.startswith("-") else ("", "", line)
        rest = rest.strip()
        if option in EDITABLE or not option:
            yield from _requirement(rest, where, root)
        elif option in NESTED | CONSTRAINTS:
            nested = _nested(path.parent / rest, where, root, (*outer, path))
            yield from nested if option in NESTED else map(_as_constraint, nested)
        elif INDEX_OPTIONS.get(option, option) in INDEX_NAMES:
            yield Wanted(_index_option(INDEX_OPTIONS.get(option, option), rest, path.parent), where)
        elif option not in WITHOUT_EFFECT:
            raise BuildError(f"{where}: a build can't do `{option}`", fix="write name and version of each package")


def _as_constraint(wanted: Wanted) -> Wanted:
    """A line that only says which versions may be taken; those that name an index stay what they are."""
    if wanted.text.startswith("-"):
        return wanted
    if Requirement(wanted.text).extras:
        raise BuildError(f"{wanted.where}: a constraint has no extras: `{wanted.text}`", fix="take [...] away")
    return replace(wanted, text=CONSTRAINT + wanted.text)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers: joined where they end in a backslash, without comments."""
    held, first = "", 0
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), start=1):
        first = first or number
        text = re.sub(r"(^|\s)#.*$", "", line)
        held += text.removesuffix("\\")
        if text.endswith("\\"):
            continue
        if held.strip():
            yield first, held.strip()
        held, first = "", 0
    if held.strip():
        yield first, held.strip()


def _nested(path: Path, where: str, root: Path, outer: tuple[Path, ...]) -> Iterator[Wanted]:
    path = path.resolve()
    if path in {other.resolve() for other in outer}:
        return
    if not path.is_file():
        raise BuildError(f"{where}: there is no file {_name(path, root)}", fix="write its path relative to this file")
    yield from read_requirements(path, root, outer)


def _name(path: Path, root: Path) -> str:
    path, root = path.resolve(), root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _index_option(option: str, value: str, folder: Path) -> str:
    """A folder is named from the file that says it; pip and uv would look from where they run."""
    if option == "--find-links" and "://" not in value and "$" not in value:
        value = str((folder / value).resolve())
    return f"{option} {value}".strip()


def _requirement(line: str, where: str, root: Path) -> Iterator[Wanted]:
    """Read one line; what a lock adds to it (`--hash=`) is left away, for the build locks by itself."""
    text = re.split(r"\s--?[a-z]", line, maxsplit=1)[0].strip()
    if itself := _ITSELF.match(text):
        yield from read_pyproject(root / "pyproject.toml", re.findall(r"[\w\-.]+", itself["extras"] or ""))
    else:
        check(text, where)
        yield Wanted(text, where)


def check(text: str, where: str) -> Requirement:
    """Return the requirement, or raise `BuildError` for an address, a path, and what is no requirement.

    >>> check("numpy>=2", "deps=").name
    'numpy'
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        if "://" not in text and not re.match(r"[./~\\]|[A-Za-z]:\\|.*\.(whl|zip|tar\.gz)$", text):
            reason = str(error).splitlines()[0]
            raise BuildError(f"{where}: `{text}` is no requirement: {reason}", fix="write it as in numpy>=2") from None
    else:
        if requirement.url is None:
            return requirement
    raise BuildError(
        f"{where}: `{text}` is an address or a path; a bundle's packages are locked by name, version and hash",
        fix="write name and version of a package that an index has, or put its modules into the project",
    ) from None
