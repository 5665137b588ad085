"""From a notebook or a project to its artifact: read, group, install, write, pack (design, section 6).

Nothing of the project is run. What was built before stays until its successor is complete.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from flash_jupyter import limits
from flash_jupyter.build.archive import write_archive
from flash_jupyter.build.calls import calls_between
from flash_jupyter.build.entries import choose_python, make_entry, told_of_secrets
from flash_jupyter.build.manifest import FILE_NAME, Manifest, make_manifest
from flash_jupyter.build.mothership import unserved_app, with_mothership
from flash_jupyter.build.packages import Packages, add_packages
from flash_jupyter.build.project import Group, Project, fingerprint, group, sources_fingerprint
from flash_jupyter.build.shipped import CLIENT, PACKAGE, handler_file, shipped_files, write_handler_file
from flash_jupyter.build.sources import read_project
from flash_jupyter.build.target import in_image
from flash_jupyter.errors import BuildError
from flash_jupyter.resources.hardware import ANY
from flash_jupyter.resources.images import Images
from flash_jupyter.settings import Settings, read_settings

FOLDER, WORK, ARTIFACT, OPTIONS = ".flash", ".build", "artifact.tar.gz", "options.json"
STEPS = ("read", "group", "packages", "write", "pack")


@dataclass(frozen=True)
class BuildOptions:
    """What may be said of a build.

    `exclude` names distributions that stay out, `python` the minor version of the workers; `output` is the artifact's
    path where it ends in `.tar.gz`, else the folder for it. `mothership` asks for one (`build/mothership.py`).
    """

    exclude: tuple[str, ...] = ()
    keep_build: bool = False
    python: str | None = None
    output: Path | None = None
    from_magics: bool = False
    mothership: bool = False

    def remembered(self) -> bytes:
        """Return what the next build of the same can be asked for again, as `OPTIONS` has it."""
        names = ("exclude", "python", "from_magics", "mothership")
        return (json.dumps({name: getattr(self, name) for name in names}, indent=2) + "\n").encode()


@dataclass(frozen=True)
class Progress:
    """A step that begins: `done` of `total` steps are over."""

    step: str
    text: str
    done: int
    total: int = len(STEPS)


@dataclass(frozen=True)
class Bundle:
    """What was built; `folder` is there while the build is kept, `notes` are for who built it."""

    archive: Path
    manifest: Manifest
    size_bytes: int
    folder: Path | None
    project: Project
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints and views read."""
        return {
            "project": self.manifest.project_name,
            "python": self.manifest.python_version,
            "archive": str(self.archive.resolve()),
            "manifest": str(self.archive.resolve().with_name(FILE_NAME)),
            "folder": None if self.folder is None else str(self.folder.resolve()),
            "size_bytes": self.size_bytes,
            "fingerprint": self.manifest.source_fingerprint,
            "resources": {name: _told(self.manifest, name) for name in self.manifest.resources},
            "notes": list(self.notes),
        }


def _told(manifest: Manifest, name: str) -> dict[str, Any]:
    resource = manifest.resources[name].model_dump()
    hardware = (resource.get("gpuIds") or ",".join(resource.get("instanceIds") or ())).split(",")
    routes = manifest.routes.get(name, {})
    return {
        "kind": "load balancer" if resource["is_load_balanced"] else "queue",
        "hardware": ", ".join("any GPU" if each == ANY else each for each in hardware),
        "serves": [*routes] or [function["name"] for function in resource["functions"]],
    }


Report = Callable[[Progress], None]


def build(
    path: Path,
    options: BuildOptions = BuildOptions(),
    report: Report = lambda _: None,
    settings: Settings | None = None,
) -> Bundle:
    """Build what `path` holds, a notebook, a Python file or a folder; `settings` are those of the environment.

    Raises `BuildError`, `ManifestError` and `OptionError` with what is wrong; the artifact of before is untouched then.
    """
    report(_step("read", f"reading {path.name or path.resolve().name}"))
    return build_project(read_project(path, from_magics=options.from_magics), options, report, settings)


def build_project(
    project: Project,
    options: BuildOptions = BuildOptions(),
    report: Report = lambda _: None,
    settings: Settings | None = None,
) -> Bundle:
    """Build a project that was read."""
    settings = settings or read_settings()
    report(_step("group", "grouping by resource"))
    groups = with_mothership(project, group(project.exports, project.name), is_asked=options.mothership)
    python = choose_python(groups, options.python, (sys.version_info[0], sys.version_info[1]))
    images = Images(**settings.images)
    calls = calls_between(groups, project.files)
    callers = [each for each in groups if each.name in calls or each.main is not None]
    asking = project
    if callers:
        has = [in_image(each.resource, python) for each in callers]
        asking = replace(project, imports=project.imports | CLIENT.difference(frozenset.intersection(*has)))
    archive = _archive_path(project.root, options.output)
    with _write_errors(), _work_folder(project.root, keep=options.keep_build) as folder:
        report(_step("packages", f"packages for Python {python}"))
        packages = add_packages(folder, asking, groups, python=python, exclude=options.exclude, cache=settings.cache)
        report(_step("write", "modules, handlers, manifest"))
        files = _files(project, groups, packages, with_calls=bool(callers))
        entries = {
            each.name: make_entry(each, python, images, project.files, tuple(calls.get(each.name, ())))
            for each in groups
        }
        manifest = make_manifest(
            project.name, python, entries, fingerprint(files), sources=sources_fingerprint(project)
        )
        _write(folder, {**files, FILE_NAME: manifest.text().encode()})
        report(_step("pack", archive.name))
        size_bytes = write_archive(folder, archive, limit_bytes=limits.BUNDLE_BYTES)
        _replace(archive.with_name(FILE_NAME), manifest.text().encode())
        if options.output is None:  # elsewhere nothing builds again, and a file of that name is somebody's own
            _replace(archive.with_name(OPTIONS), options.remembered())
    said = (*told_of_secrets(project.files), *project.notes, *packages.notes, *unserved_app(project.files, groups))
    return Bundle(archive, manifest, size_bytes, folder if options.keep_build else None, project, said)


def _step(name: str, text: str) -> Progress:
    return Progress(name, text, STEPS.index(name))


def _archive_path(root: Path, output: Path | None) -> Path:
    if output is None:
        return root / FOLDER / ARTIFACT
    return output if output.name.endswith((".tar.gz", ".tgz")) else output / ARTIFACT


@contextmanager
def _write_errors() -> Iterator[None]:
    """Turn what the system says of a file into a `BuildError`."""
    try:
        yield
    except OSError as error:
        raise BuildError(
            f"{error.filename or 'the bundle'} can't be written: {error.strerror or error}",
            fix="make room, or choose another folder with --output",
        ) from error


@contextmanager
def _work_folder(root: Path, *, keep: bool) -> Iterator[Path]:
    """Give an empty folder, to one build at a time; it is gone afterwards, however that ends, unless it is kept."""
    folder = root / FOLDER / WORK
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.with_name(".build.lock"), timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                yield folder
            finally:
                if not keep:
                    shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        raise BuildError(f"{root.name} is being built already", fix="wait for the other build to end") from None


def _files(project: Project, groups: tuple[Group, ...], packages: Packages, *, with_calls: bool) -> dict[str, bytes]:
    """Return what the build writes: the project's files, handlers, our own part, and the lock."""
    handlers = {handler_file(each.name): write_handler_file(each, packages.folder_of(each)).encode() for each in groups}
    has_mothership = any(each.main is not None for each in groups)
    ours = {**shipped_files(with_calls=with_calls, with_mothership=has_mothership), **handlers, **packages.files}
    taken = sorted(
        name for name in project.files if name in ours or name == FILE_NAME or name.startswith(f"{PACKAGE}/")
    )
    if taken:
        raise BuildError(
            f"{taken[0]} of the project is a file that the build writes itself", fix="give it another name"
        )
    return {**project.files, **ours}


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
