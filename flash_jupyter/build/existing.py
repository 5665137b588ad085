"""The build that is there, and what of its sources was changed since; who sends one that is older should know it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flash_jupyter.build.bundle import ARTIFACT, FOLDER, OPTIONS, BuildOptions
from flash_jupyter.build.folder import Ignore
from flash_jupyter.build.manifest import FILE_NAME, Manifest, read_manifest
from flash_jupyter.build.project import Project, sources_fingerprint
from flash_jupyter.build.sources import read_project, root_of
from flash_jupyter.errors import BuildError, OptionError

#: files that say which packages a bundle has, and are not in it
PACKAGE_FILES = ("requirements.txt", "pyproject.toml")


@dataclass(frozen=True)
class Existing:
    """A build as it lies in `.flash`; `source` is what it was made of, `changed` names what is not as it was then."""

    source: Path
    archive: Path
    manifest: Manifest
    changed: tuple[str, ...]


def find_existing(path: Path) -> Existing:
    """Return the build of a notebook, a Python file or a folder.

    In a folder whose build is of one notebook or file, it is that one. Raises `BuildError` where there is none.
    """
    place = _build_folder(path)
    archive = place / ARTIFACT
    if not archive.is_file():
        raise BuildError(f"there is no build in {place}", fix=f"build it: flash build {path}, or add --build")
    manifest = read_manifest(archive.with_name(FILE_NAME))
    source = source_of(path)
    return Existing(source, archive, manifest, tuple(changed_since(source, archive, manifest)))


def find_manifest(folder: Path) -> Path | None:
    """Return the manifest that a build has left in a folder; None where nothing was built."""
    manifest = folder / FOLDER / FILE_NAME
    return manifest if manifest.is_file() else None


def project_name(path: Path) -> str:
    """Return what a build of a path is called: a file's stem; of a folder the build that is there, else its name."""
    if path.is_file():
        return path.stem
    manifest = find_manifest(path)
    return path.resolve().name if manifest is None else read_manifest(manifest).project_name


def source_of(path: Path) -> Path:
    """Return what is meant by a path: in a folder with a build of one notebook or file, that one."""
    if path.is_file():
        return path
    name = project_name(path)
    if path.resolve().name == name:
        return path
    found = (path / f"{name}{suffix}" for suffix in (".ipynb", ".py"))
    return next((each for each in found if each.is_file()), path)


def options_before(source: Path) -> BuildOptions:
    """Return how to build again what is there, as it was asked for; a build that does not say it says nothing."""
    try:
        found = json.loads((_build_folder(source) / OPTIONS).read_text("utf-8"))
        return BuildOptions(
            exclude=tuple(found["exclude"]),
            python=found["python"],
            from_magics=found["from_magics"],
            mothership=found["mothership"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return BuildOptions()


def changed_since(source: Path, archive: Path, manifest: Manifest) -> list[str]:
    """Name what is not as it was when the build was made; empty where all is.

    Raises `BuildError` where `source` can't be read any more, and where the build is of something else.
    """
    served = {function.name for resource in manifest.resources.values() for function in resource.functions}
    projects = read_both_ways(source)
    project = _alike(projects, served)
    if project.name != manifest.project_name:
        raise BuildError(
            f"the build in {archive.parent} is of {manifest.project_name}, not of {project.name}",
            fix=f"build it: flash build {source}, or add --build",
        )
    if not is_of_none(manifest, projects):
        return []
    different, newer = _different(project, archive), sorted(_newer(source, project, archive.stat().st_mtime))
    changed = [f"function {name}" for name in sorted(served ^ _functions(project))]
    changed += [name for name in different if (project.root / name).is_file()]
    if any(not (project.root / name).is_file() for name in different):  # they are made of notebooks
        changed += [name for name in newer if name not in project.files and name not in PACKAGE_FILES]
    changed += [name for name in newer if name in PACKAGE_FILES]
    return changed or ["what it asks for"]


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


def _build_folder(path: Path) -> Path:
    """Where the build of a path is: a module of a package is built from above the package."""
    return (path.resolve() if path.is_dir() else root_of(path.resolve())) / FOLDER


def _alike(projects: list[Project], served: set[str]) -> Project:
    """Return the sources as that build read them: whether its %%remote cells were handlers, its functions say."""
    return next((each for each in projects if _functions(each) == served), projects[0])


def _functions(project: Project) -> set[str]:
    return {export.function.name for export in project.exports}


def _newer(source: Path, project: Project, built_at: float) -> Iterator[str]:
    """Name the files that were written after the build."""
    if source.is_dir():
        names: Iterable[Path] = Ignore(project.root).files()
    else:
        names = (source.resolve(), *(project.root / name for name in (*project.files, *PACKAGE_FILES)))
    for path in names:
        if path.is_file() and path.stat().st_mtime > built_at:
            yield path.relative_to(project.root).as_posix()


def _different(project: Project, archive: Path) -> list[str]:
    """Name the files of the project that the artifact has not got as they are now."""
    left = dict(project.files)
    with tarfile.open(archive) as packed:
        for member in packed:
            name = member.name.removeprefix("./")
            if name in left:
                content = packed.extractfile(member)
                if content is not None and content.read() == left[name]:
                    del left[name]
            if not left:
                break
    return sorted(left)
