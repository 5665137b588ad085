"""Putting a bundle where its app's builds are: checked before and after, and without a build where it breaks off."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flash_jupyter import limits
from flash_jupyter.deploy.terms import Progress, Report
from flash_jupyter.errors import BuildError, UnreachableError
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.upload import CHUNK_BYTES, upload_file


async def upload(apps: Apps, app_id: str, archive: Path, manifest: Mapping[str, Any], report: Report) -> str:
    """Upload the archive as a build of the app and return the build's id.

    Nothing becomes a build before all bytes are there and are those of the file. Raises `BuildError` for an archive
    that the platform would not take, or that changed meanwhile, and `ApiError`s.
    """
    size = archive.stat().st_size
    check_size(archive, size)
    before = await asyncio.to_thread(sha256_of, archive)

    def tell(sent: int, total: int) -> None:
        report(Progress("upload", f"uploading {archive.name}", sent, total))

    tell(0, size)
    place = await apps.prepare_upload(app_id, size)
    if await upload_file(place.url, archive, progress=tell) != before:
        raise BuildError(f"{archive.name} changed while it was uploaded", fix="build it again, then send it again")
    return await _finalize(apps, app_id, place.object_key, manifest)


def check_size(archive: Path, size: int) -> None:
    """Raise `BuildError` for an archive that is empty, or larger than the platform takes (flash-wire.md 6.4)."""
    if not size:
        raise BuildError(f"{archive.name} is empty", fix="build it again: flash build")
    if size > limits.ARTIFACT_BYTES:
        raise BuildError(
            f"{archive.name} has {size:,} bytes, and Runpod takes {limits.ARTIFACT_BYTES:,}; nothing was uploaded",
            fix="leave out what the image has, or put data on a volume: `flash build` prints what is large",
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


async def _finalize(apps: Apps, app_id: str, object_key: str, manifest: Mapping[str, Any]) -> str:
    """Make a build of what is there. Where the answer is lost, the list of builds says whether it was made."""
    try:
        return (await apps.finalize_upload(app_id, object_key, manifest)).id
    except UnreachableError:
        for build in await apps.builds(app_id):
            if build.object_key == object_key:
                return build.id
        raise
