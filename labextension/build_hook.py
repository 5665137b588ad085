"""What hatch calls before it packs a wheel or an sdist: the built extension is there, and newer than its sources.

An editable installation takes what is built, or none: it stays quick, and works where npm has no network. The make
targets build before they install.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "flash_jupyter" / "labextension"
#: what the build reads
SOURCES = ("src", "style", "schema", "package.json", "package-lock.json", "tsconfig.json")


def build(_target: str, version: str) -> None:
    """Build the extension where it is missing or older than its sources; `version` is `editable` or `standard`."""
    if version == "editable":
        BUILT.mkdir(exist_ok=True)
    elif is_stale():
        run_npm("ci")
        run_npm("run", "build:prod")


def is_stale() -> bool:
    """Whether a source is newer than what was built; never in an unpacked sdist, which has what was built."""
    if not (BUILT / "package.json").is_file():
        return True
    if not (HERE.parent / ".git").exists():
        return False
    built = (BUILT / "package.json").stat().st_mtime
    return any(file.stat().st_mtime > built for file in sources())


def sources() -> Iterator[Path]:
    """Give the files that the build reads."""
    for name in SOURCES:
        path = HERE / name
        yield from filter(Path.is_file, path.rglob("*") if path.is_dir() else [path])


def run_npm(*arguments: str) -> None:
    """Run npm in the folder of the sources; it must not fail."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("building the JupyterLab extension needs Node 20 or newer; `make labextension` installs one")
    subprocess.run([npm, *arguments], cwd=HERE, check=True)
