"""`deps=` on a worker: what its interpreter lacks, in an overlay folder in front of the import path.

An overlay is made once per set of dependencies, Python and what that has, by uv where there is one, else by pip; who
comes second uses it (`modules.py` says where it lies). What the interpreter already has keeps its version, unless
`deps=` asks for another one.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flash_jupyter.worker.modules import (
    FULL_OR_CLOSED,
    FolderTakesNothing,
    OverlayFolder,
    find_overlay,
    is_in_overlays,
    make_overlay,
)

TIMEOUT_S = 900
#: a set of dependencies -> the overlay that completes the interpreter for it, None where it lacks nothing
_ready: dict[tuple[str, ...], Path | None] = {}


class InstallError(Exception):
    """A dependency could not be installed; the text is what the installer said, `kind` the error's name at home."""

    kind = "DependencyError"


class PackagesMissing(InstallError):
    """System packages are not there, and nobody installs them."""

    kind = "PackagesMissing"


class FreshWorkerNeeded(Exception):
    """Another version of a dependency is already imported in this process."""


@dataclass(frozen=True)
class Installed:
    """What was done for a job: `names` were installed now, and `text` says what is to be said; both are often empty."""

    names: tuple[str, ...] = ()
    text: str = ""


def install(deps: list[str]) -> Installed:
    """Make `deps` importable, and no other job's.

    Raises `InstallError`, or `FreshWorkerNeeded` where this process has imported another version.
    """
    key = tuple(sorted(deps))
    _leave_others(_ready.get(key))
    if key in _ready and ((overlay := _ready[key]) is None or overlay.is_dir()):
        _enter(overlay)
        return Installed()
    missing = [dep for dep in deps if not _is_there(dep)]
    _refuse_if_imported(missing)
    if not missing:
        _ready[key] = None
        return Installed()
    name = _overlay_name(missing)
    found = find_overlay(name)
    folder, reason = (found, "") if found else _make(name, missing)
    _ready[key] = overlay = folder.path / name
    _enter(overlay)
    return Installed(() if found else tuple(missing), _describe(overlay, folder.owner, is_new=not found, reason=reason))


def _make(name: str, missing: list[str]) -> tuple[OverlayFolder, str]:
    try:
        return make_overlay(name, lambda folder: _run_installer(folder, missing))
    except FolderTakesNothing as reason:
        raise InstallError(f"could not install {', '.join(missing)}: {reason}") from None


def _describe(overlay: Path, owner: str, *, is_new: bool, reason: str) -> str:
    """Say how many packages came from where, and whether the next worker finds them."""
    count = len(list(overlay.glob("*.dist-info")))
    packages = f"{count} package{'' if count == 1 else 's'}"
    if not is_new:
        return f"{packages} from the {owner}'s cache, nothing installed"
    kept = {
        "volume": "kept on the volume for other workers",
        "machine": "kept on this machine for other workers",
        "worker": "on this worker only" if reason else "on this worker only; with volume=NAME the next one has them",
    }
    return "; ".join(filter(None, [reason, f"{packages} installed, {kept[owner]}"]))


def refuse_missing_packages(packages: list[str]) -> None:
    """Raise `InstallError` for system packages that are not here.

    The published images install them before they run our code (flash-wire reference, 4.5); nothing else does, because
    on the embedded Runpod the machine is the user's own.
    """
    missing = [package for package in packages if not _is_package_there(package)]
    if missing:
        raise PackagesMissing(
            f"system packages are not installed on this machine: {', '.join(missing)}\n"
            f"  the embedded Runpod never installs them; do it yourself: sudo apt-get install {' '.join(missing)}"
        )


def _is_package_there(package: str) -> bool:
    name = package.partition("=")[0]
    if shutil.which(name):
        return True
    if not shutil.which("dpkg-query"):
        return False
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name]
    done = subprocess.run(query, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout.strip() == "installed"


def _enter(overlay: Path | None) -> None:
    if overlay is not None and str(overlay) not in sys.path:
        sys.path.insert(0, str(overlay))
        importlib.invalidate_caches()


def _leave_others(wanted: Path | None) -> None:
    """Take the overlays of other jobs off the path; what replaced a module of the interpreter must not be seen here."""
    for overlay in {overlay for overlay in _ready.values() if overlay is not None and overlay != wanted}:
        if str(overlay) in sys.path:
            sys.path.remove(str(overlay))
            importlib.invalidate_caches()
        replaced = next(_replacements(overlay), None)
        if replaced is not None:
            raise FreshWorkerNeeded(replaced)


def _replacements(overlay: Path) -> Iterator[str]:
    """Modules that were imported from an overlay though the interpreter has them too."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if "." not in name and file.startswith(f"{overlay}{os.sep}") and _find_in_interpreter(name):
            yield name


def _find_in_interpreter(name: str) -> bool:
    paths = [path for path in sys.path if not is_in_overlays(path)]
    return importlib.machinery.PathFinder.find_spec(name, paths) is not None


def _requirement(dep: str) -> Any:
    """Parse a requirement, or None for a URL or a path; `packaging` is on every worker, if only inside of pip."""
    for module in ("packaging.requirements", "pip._vendor.packaging.requirements"):
        try:
            return importlib.import_module(module).Requirement(dep)
        except ImportError:
            continue
        except ValueError as error:
            raise InstallError(f"`{dep}` is not a requirement that pip understands: {error}") from None
    return None


def _is_there(dep: str) -> bool:
    requirement = _requirement(dep)
    if requirement is None or requirement.url or requirement.extras:
        return False
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return bool(requirement.specifier.contains(version, prereleases=True))


def _refuse_if_imported(missing: list[str]) -> None:
    tops = _top_levels()
    for dep in missing:
        requirement = _requirement(dep)
        name = requirement.name if requirement is not None else dep
        if any(top in sys.modules for top in tops.get(_normalised(name), ())):
            raise FreshWorkerNeeded(name)


def _top_levels() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for top, dists in importlib.metadata.packages_distributions().items():
        for dist in dists:
            found.setdefault(_normalised(dist), []).append(top)
    return found


def _normalised(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _overlay_name(missing: list[str]) -> str:
    identity = [sorted(missing), sys.version_info[:2], sys.platform, platform.machine(), sorted(_versions(set()))]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:20]


def _versions(without: set[str]) -> list[str]:
    """`name==version` of all that the interpreter has, but not in overlays."""
    paths = [path for path in sys.path if not is_in_overlays(path)]
    dists = importlib.metadata.distributions(path=paths)
    named = {_normalised(dist.metadata["Name"] or ""): dist.version for dist in dists}
    return [f"{name}=={version}" for name, version in named.items() if name and name not in without]


def _run_installer(target: Path, missing: list[str]) -> None:
    """Install, keeping the versions that the interpreter has; only where that is impossible, without regard to them."""
    asked = {_normalised(r.name) for r in map(_requirement, missing) if r is not None}
    constraints = Path(tempfile.gettempdir()) / f"{target.name}.txt"
    constraints.write_text("\n".join(_versions(asked)))
    command = [*_installer(target), *missing]
    try:
        done = _run([*command, "--constraint", str(constraints)])
        if done.returncode:
            done = _run(command)
    finally:
        constraints.unlink(missing_ok=True)
    if done.returncode:
        if reason := next((text for text in FULL_OR_CLOSED if text in done.stderr + done.stdout), ""):
            raise FolderTakesNothing(reason)
        raise InstallError(f"could not install {', '.join(missing)}\n{_last_lines(done.stderr or done.stdout)}")


def _installer(target: Path) -> list[str]:
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", sys.executable, "--target", str(target)]
    return [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--target", str(target)]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    # no colours, and no width of a terminal: what is said goes into an error's text as it is
    environ = {**{name: value for name, value in os.environ.items() if name != "COLUMNS"}, "NO_COLOR": "1"}
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env=environ,
        )
    except subprocess.TimeoutExpired:
        raise InstallError(f"the installer did not finish within {TIMEOUT_S} s") from None


def _last_lines(text: str, count: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-count:])
