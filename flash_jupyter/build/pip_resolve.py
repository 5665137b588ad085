"""Resolution where uv is absent: pip chooses the versions, and what they require in turn is followed here.

pip reads environment markers with the values of the machine that it runs on, whatever `--platform` says, and can't
leave a package out. So it is asked without dependencies, again and again until nothing new is required.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

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


def resolve(
    pip: Installer, requirements: tuple[str, ...], *, python: str, leave_out: frozenset[str], folder: Path
) -> tuple[Pinned, ...]:
    """Return the packages that these requirements and their dependencies need, newest first, without backtracking.

    Raises `BuildError` where versions that were chosen contradict each other: uv would look for others.
    """
    wanted = requirements
    for _ in range(ROUNDS):
        report = _ask(pip, wanted, python, folder) if wanted else {"install": []}
        found = merge(_all_wanted(requirements, report, python), python=python, leave_out=leave_out)
        if found == wanted:
            return tuple(_pinned(item) for item in report["install"])
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


def _ask(pip: Installer, wanted: tuple[str, ...], python: str, folder: Path) -> Any:
    (folder / "requirements.in").write_text("\n".join(wanted), "utf-8")
    done = pip.run(
        *("install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", "report.json"),
        *("--target", "unused", *platform_options(python), "-r", "requirements.in"),
        folder=folder,
    )
    if done.returncode:
        raise failures.explain_pip(done.stderr, python=python)
    return json.loads((folder / "report.json").read_text("utf-8"))


def _all_wanted(requirements: Iterable[str], report: Mapping[str, Any], python: str) -> Iterator[Wanted]:
    """Yield what was asked for, and what the chosen versions require, with the extras that they are wanted with."""
    chosen = {str(canonicalize_name(item["metadata"]["name"])): item["metadata"] for item in report["install"]}
    todo = [Wanted(line, "requirements") for line in requirements]
    seen: set[tuple[str, str]] = set()
    while todo:
        each = todo.pop(0)
        yield each
        requirement = None if each.text.startswith("-") else Requirement(each.text)
        name = str(canonicalize_name(requirement.name)) if requirement else ""
        if requirement is None or name not in chosen:
            continue
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            todo += _required(chosen[name], extra, python)


def _required(metadata: Mapping[str, Any], extra: str, python: str) -> Iterator[Wanted]:
    for line in metadata.get("requires_dist", ()):
        requirement = Requirement(line)
        if applies(requirement.marker, python, extra):
            requirement.marker = None
            yield Wanted(str(requirement), f"{metadata['name']} {metadata['version']}")


def _pinned(item: Mapping[str, Any]) -> Pinned:
    hashes = item["download_info"]["archive_info"]["hashes"]
    name = str(canonicalize_name(item["metadata"]["name"]))
    return Pinned(name, item["metadata"]["version"], (f"sha256:{hashes['sha256']}",))
