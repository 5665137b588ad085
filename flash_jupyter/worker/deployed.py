"""A worker of a deployed app: it serves the handler that its artifact brings (flash-wire.md 4.9, 6.3 and 7.4).

The handler is a program of its own, `handler_<resource>.py`, and starts the `runpod` SDK's worker, as on the platform.
"""

from __future__ import annotations

import importlib.util
import json
import os
import runpy
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flash_jupyter.worker.install import install

MANIFEST = "flash_manifest.json"
#: what every image has, and brings the SDK with it
IMAGE_PACKAGE = "runpod-flash"


class ArtifactError(Exception):
    """The artifact can't be unpacked."""


def find_handler(environ: Mapping[str, str], folder: Path) -> Path | None:
    """Unpack the artifact below `folder` and return the program of our resource; None where there is none for it.

    Raises `ArtifactError`.
    """
    name, artifact = environ.get("FLASH_RESOURCE_NAME"), environ.get("FLASH_BUILD_ARTIFACT_PATH")
    if not name or not artifact or not Path(artifact).is_file():
        return None
    unpack(Path(artifact), folder)
    resource = _manifest(folder).get("resources", {}).get(name, {})
    handler = folder / str(resource.get("handler_file", f"handler_{name}.py"))
    return handler if handler.is_file() and folder.resolve() in handler.resolve().parents else None


def unpack(artifact: Path, folder: Path) -> None:
    """Extract a gzipped archive whose members stay below `folder`; raises `ArtifactError`."""
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    try:
        with tarfile.open(artifact, "r:gz") as archive:
            for member in archive:
                place = (root / member.name).resolve()
                if not (member.isfile() or member.isdir()) or not place.is_relative_to(root):
                    raise ArtifactError(f"the artifact's member {member.name!r} leads out of its folder")
                _extract(archive, member, root)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ArtifactError(f"the artifact {artifact.name} can't be unpacked: {error}") from None


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    if hasattr(tarfile, "data_filter"):
        archive.extract(member, root, filter="data")
    else:  # Python 3.10 and 3.11 before the filters were brought to them
        archive.extract(member, root)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def serve(handler: Path) -> None:
    """Run the handler's program in this process, as `python handler_<resource>.py` does on the platform."""
    if importlib.util.find_spec("runpod") is None:
        install([IMAGE_PACKAGE])
    program = handler.resolve()
    os.chdir(program.parent)
    sys.path.insert(0, str(program.parent))
    sys.argv = [str(program)]
    runpy.run_path(str(program), run_name="__main__")
