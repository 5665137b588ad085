"""The artifact: one gzipped tar, byte for byte the same for the same content, on every machine and at any time."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path

from flash_jupyter import limits
from flash_jupyter.errors import BuildError

#: how many names the table of a bundle that is too large has
LARGEST = 12
#: written by interpreters and tools, different each time
LEFT_OUT = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})


def write_archive(folder: Path, target: Path, *, limit_bytes: int = limits.BUNDLE_BYTES) -> int:
    """Pack everything below `folder` into `target` and return its size in bytes.

    Raises `BuildError` with the largest packages and files where it is larger than `limit_bytes`; `target` is not
    there then.
    """
    files = sorted(members(folder), key=lambda path: path.relative_to(folder).as_posix())
    part = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            part.open("wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=6) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in files:
                _add(archive, path, path.relative_to(folder).as_posix())
        size_bytes = part.stat().st_size
        if size_bytes > limit_bytes:
            raise _too_large(folder, files, size_bytes, limit_bytes)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return size_bytes


def members(folder: Path) -> Iterable[Path]:
    """Return the files that go into the archive: no bytecode, no caches."""
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if path.is_file() and not LEFT_OUT.intersection(relative.parts) and path.suffix not in {".pyc", ".pyo"}:
            yield path


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    content = path.read_bytes()
    info = tarfile.TarInfo(f"./{name}")
    info.size = len(content)
    info.mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
    archive.addfile(info, io.BytesIO(content))


def _too_large(folder: Path, files: list[Path], size_bytes: int, limit_bytes: int) -> BuildError:
    sizes: dict[str, int] = {}
    for path in files:
        top = path.relative_to(folder).parts[0]
        sizes[top] = sizes.get(top, 0) + path.stat().st_size
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:LARGEST]
    table = "\n".join(f"    {name:<32} {size / 1e6:>9,.1f} MB" for name, size in largest)
    return BuildError(
        f"the bundle takes {size_bytes / 1e6:,.1f} MB, a deployment may have {limit_bytes / 1e6:,.0f} MB; "
        f"unpacked, the largest are\n{table}",
        fix="leave out what the image has, with --exclude, or load data from a volume",
    )
