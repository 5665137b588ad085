"""A worker of a deployed app: it serves the handler that its artifact brings (flash-wire.md 4.9, 6.3 and 7.4).

The handler is a file of its own, `handler_<resource>.py`: for a queue a program that starts the `runpod` SDK's worker,
for a load balancer a module whose `app` uvicorn serves, as on the platform.
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

MANIFEST = "flash_manifest.json"
#: what every image has, and brings the SDK and FastAPI with it
IMAGE_PACKAGE = "runpod-flash"
#: what shows whether it is there: a load balancer's handler imports the released client too, which needs the SDK's
IMAGE_MODULES = ("runpod", "fastapi")
#: the interpreter of an environment that has what the image has
IMAGE_PYTHON = "FLASH_JUPYTER_PYTHON"
HOST = "127.0.0.1"
#: as the image's own server has it (flash-wire.md 4.3)
KEEP_ALIVE_S = 600


class ArtifactError(Exception):
    """The artifact can't be unpacked."""


def serve_deployed(environ: Mapping[str, str], folder: Path) -> bool:
    """Serve a deployed app's handler to its end; False where this worker has none."""
    handler = find_handler(environ, folder)
    if handler is not None:
        serve(handler, environ)
    return handler is not None


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


def serve(handler: Path, environ: Mapping[str, str]) -> None:
    """Run the handler as the image does, beside its modules; `PORT` is where a load balancer's listens.

    Where the endpoint names an interpreter, that stands for the image: this process becomes it, and nothing of ours is
    in its way.
    """
    program = handler.resolve()
    os.chdir(program.parent)
    arguments = command_line(program, environ.get("PORT"))
    if image := environ.get(IMAGE_PYTHON):
        path = os.pathsep.join([str(Path(image).parent), environ.get("PATH", os.defpath)])
        os.execve(image, [image, "-u", *arguments], {**environ, "PATH": path})
    if any(importlib.util.find_spec(name) is None for name in IMAGE_MODULES):
        from flash_jupyter.worker.install import install  # loads cloudpickle, of which a bundle may bring its own

        install([IMAGE_PACKAGE])
    sys.path.insert(0, str(program.parent))
    for name in [name for name in sys.modules if name.partition(".")[0] == "flash_jupyter"]:
        del sys.modules[name]  # a bundle brings its own part of it
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(str(program), run_name="__main__")


def command_line(program: Path, port: str | None) -> list[str]:
    """Return what Python is given.

    >>> command_line(Path("/app/handler_ocr.py"), None)
    ['/app/handler_ocr.py']
    >>> command_line(Path("/app/handler_web.py"), "8000")[:3]
    ['-m', 'uvicorn', 'handler_web:app']
    """
    if port is None:
        return [str(program)]
    server = ["-m", "uvicorn", f"{program.stem}:app", "--host", HOST, "--port", port]
    return [*server, "--no-access-log", "--timeout-keep-alive", str(KEEP_ALIVE_S)]
