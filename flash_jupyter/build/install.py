"""A lock's packages, in a folder: the same bytes on every machine, and installed once for each lock.

Kept in the cache under the lock's digest. An install is made beside it and gets its name when it is whole, so a cut one
leaves nothing that would be taken for one.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

from flash_jupyter.build import failures
from flash_jupyter.build.installer import Installer, find_installer
from flash_jupyter.build.lock import FILE_NAME, Lock, platform_options
from flash_jupyter.build.target import UV_PLATFORM
from flash_jupyter.errors import BuildError

#: what installers write of themselves and of this machine; `RECORD` stays, for `importlib.metadata` reads it
OF_THE_INSTALLER = frozenset({"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"})
#: a site that no build has asked for so long is removed, in seconds
KEPT_S = 30 * 24 * 3600
_ELF = b"\x7fELF"


def install(lock: Lock, target: Path, *, cache: Path, installer: Installer | None = None) -> None:
    """Copy the packages of a lock into `target`, which may hold other files; install them first where they are new.

    Two builds at once wait for each other. Raises `BuildError` where a package is not to be had any more, or its hash
    is another.
    """
    if lock.packages:
        shutil.copytree(site_of(lock, cache=cache, installer=installer), target, dirs_exist_ok=True)


def site_of(lock: Lock, *, cache: Path, installer: Installer | None = None) -> Path:
    """Return the folder of the cache that holds the packages of a lock; nobody may write there.

    Sites that nothing was built of for a month are removed.
    """
    sites = cache / "sites"
    sites.mkdir(parents=True, exist_ok=True)
    site = sites / lock.digest[:32]
    with FileLock(sites / f"{site.name}.lock"):
        if not site.is_dir():
            _make(lock, site, installer or find_installer())
        os.utime(site)
    remove_unused(sites, before=time.time() - KEPT_S)
    return site


def remove_unused(sites: Path, *, before: float) -> None:
    """Remove folders whose own time, when they were last asked for, is before this; not one whose lock is held."""
    for site in sites.iterdir():
        if not site.is_dir() or ".part-" in site.name or site.stat().st_mtime >= before:
            continue
        with contextlib.suppress(Timeout), FileLock(sites / f"{site.name}.lock", timeout=0):
            if site.is_dir() and site.stat().st_mtime < before:
                # under another name first: half a site must never be taken for one
                shutil.rmtree(site.rename(site.with_name(f"{site.name}.part-unused")), ignore_errors=True)


def _make(lock: Lock, site: Path, tool: Installer) -> None:
    for left in site.parent.glob(f"{site.name}.part-*"):  # of a build that was cut; who holds the lock is alone
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{site.name}.part-", dir=site.parent))
    try:
        packages = folder / "packages"
        packages.mkdir()
        _run(lock, packages, folder, tool)
        clean(packages)
        packages.rename(site)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(lock: Lock, packages: Path, folder: Path, tool: Installer) -> None:
    (folder / FILE_NAME).write_text("\n".join([*lock.options, lock.text()]), "utf-8")
    arguments = ["--quiet", "--no-deps", "--require-hashes", "--target", str(packages), "-r", FILE_NAME]
    if tool.is_uv:
        platform = ["--python", sys.executable, "--no-python-downloads", "--python-platform", UV_PLATFORM]
        platform += ["--python-version", lock.python, "--only-binary", ":all:"]
    else:
        platform = ["--no-compile", "--ignore-requires-python", *platform_options(lock.python)]
    done = tool.run(*(["pip"] if tool.is_uv else []), "install", *arguments, *platform, folder=folder)
    if done.returncode:
        raise _failure(done.stderr)


def _failure(text: str) -> BuildError:
    if failures.UNREACHABLE.search(text):
        return failures.unreachable(text)
    return BuildError(
        f"the packages of the lock could not be installed: {failures.end_of(text)}",
        fix="build again; if it stays, look whether the index still has these files",
    )


def clean(packages: Path) -> None:
    """Take away what differs between machines and builds: bytecode, scripts with this interpreter's path, notes."""
    for folder in list(packages.rglob("__pycache__")):
        shutil.rmtree(folder)
    (packages / ".lock").unlink(missing_ok=True)
    for script in list((packages / "bin").glob("*")):
        if script.is_dir() or not _is_program(script):
            shutil.rmtree(script) if script.is_dir() else script.unlink()
    if (packages / "bin").is_dir() and not any((packages / "bin").iterdir()):
        (packages / "bin").rmdir()
    for info in sorted(packages.glob("*.dist-info")):
        for name in OF_THE_INSTALLER:
            (info / name).unlink(missing_ok=True)
        _write_record(info / "RECORD", packages)


def _is_program(script: Path) -> bool:
    with script.open("rb") as file:
        return file.read(len(_ELF)) == _ELF


def _write_record(record: Path, packages: Path) -> None:
    """List what is still there, sorted; a new file, because uv's may be one with that of its cache."""
    if not record.is_file():
        return
    rows = [row for row in csv.reader(io.StringIO(record.read_text("utf-8"))) if row]
    kept = sorted([_inside(row[0]), *row[1:]] for row in rows if (packages / _inside(row[0])).is_file())
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(kept)
    record.unlink()
    record.write_text(text.getvalue(), "utf-8")


def _inside(path: str) -> str:
    """Installers name programs from where site packages usually lie, `../../bin/x`."""
    return path.replace("\\", "/").removeprefix("../../")
