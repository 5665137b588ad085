"""Small wheels that a test makes itself, in a folder that uv and pip take for an index."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from flash_jupyter.build.installer import Installer


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    extras: Mapping[str, Sequence[str]] | None = None,
    requires_python: str = "",
    files: Mapping[str, bytes] | None = None,
    scripts: Mapping[str, str] | None = None,
) -> Path:
    """Write a wheel with one module of the package's name, which knows its version."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {each}" for each in requires]
    for extra, each_of in (extras or {}).items():
        lines += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {each}; extra == "{extra}"' for each in each_of)]
    content = {f"{name}.py": f"VERSION = {version!r}\n".encode(), **(files or {})}
    content[f"{info}/METADATA"] = ("\n".join(lines) + "\n").encode()
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    if scripts:
        points = "".join(f"{script} = {place}\n" for script, place in scripts.items())
        content[f"{info}/entry_points.txt"] = f"[console_scripts]\n{points}".encode()
    rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in content.items()]
    content[f"{info}/RECORD"] = ("\n".join([*rows, f"{info}/RECORD,,"]) + "\n").encode()
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in content.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return wheel


def only(tool: Installer, folder: Path) -> Installer:
    """Return an installer that has this folder for its only index."""
    return Installer(tool.command, tool.is_uv, ("--no-index", "--find-links", str(folder)))


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
