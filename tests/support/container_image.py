"""An image for containers made from this machine's own files, under the name of a published one: there is no registry.

It holds what the preview's processes run in too (`build/standins.py`), the libraries that these need, a shell, and a
program that serves an artifact as the published description has it (flash-wire.md 4.3 and 4.9).
"""

from __future__ import annotations

import io
import re
import subprocess
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROGRAM = """
import json, os, pathlib, sys, tarfile

app, name = pathlib.Path("/app"), os.environ["FLASH_RESOURCE_NAME"]
with tarfile.open("/root/.runpod/artifact.tar.gz", "r:gz") as archive:
    archive.extractall(app, filter="data")
resource = json.loads((app / "flash_manifest.json").read_text())["resources"][name]
handler = resource.get("handler_file", f"handler_{name}.py")
command = [sys.executable, "-u", handler]
if resource.get("is_load_balanced"):
    command = [sys.executable, "-m", "uvicorn", f"{handler[:-3]}:app", "--host", "0.0.0.0", "--port", "80"]
print("in a container:", pathlib.Path("/.dockerenv").exists() or os.environ.get("container"), flush=True)
os.chdir(app)
os.execv(sys.executable, command)
"""
_LIBRARY = re.compile(r"(/\S+) \(0x")
_USR = ("bin", "lib", "lib64")


def import_image(name: str, interpreter: Path) -> None:
    """Give an engine the image; `interpreter` is that of an environment which has the packages of the real one."""
    settings = [f"CMD {_words([str(interpreter), '/start.py'])}", "WORKDIR /app", "ENV PATH=/usr/bin:/bin"]
    changes = [word for setting in settings for word in ("--change", setting)]
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            _write(archive, interpreter)
        file.flush()
        command = ["docker", "import", *changes, file.name, name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _words(words: list[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def _write(archive: tarfile.TarFile, interpreter: Path) -> None:
    for word in _USR:
        _add_link(archive, word, f"usr/{word}")
    for folder in ("tmp", "app", "root/.runpod"):
        _add_folder(archive, folder)
    _add_file(archive, "start.py", PROGRAM.encode())
    _add_file(archive, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    environment = interpreter.parents[1]
    real = interpreter.resolve()
    trees = [environment, Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("platstdlib"))]
    for tree in dict.fromkeys(trees):
        archive.add(tree, _inside(tree), filter=_without_tests)
    binaries = [real, Path("/usr/bin/dash"), *(path for tree in trees for path in tree.rglob("*.so*"))]
    libraries = {path for path in _libraries(binaries) if not any(path.is_relative_to(tree) for tree in trees)}
    for path in (real, *libraries):
        _add_file(archive, _inside(path), path.resolve().read_bytes(), mode=0o755)
    _add_file(archive, "usr/bin/sh", Path("/usr/bin/dash").read_bytes(), mode=0o755)
    for link in {real.parent / "python3", real.parent / "python", *_links(interpreter)} - {real}:
        _add_link(archive, _inside(link), str(real))


def _links(path: Path) -> Iterator[Path]:
    """The places outside of its environment over which an interpreter leads to the real one."""
    while path.is_symlink():
        path = (path.parent / path.readlink()).absolute()
        if path.is_symlink():
            yield path


def _libraries(binaries: list[Path]) -> set[Path]:
    """Return the shared libraries that binaries need, where the loader finds them."""
    said = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False).stdout
    return {Path(found) for found in _LIBRARY.findall(said)}


def _inside(path: Path) -> str:
    """The name in the archive: `/lib` and its like are links to what is below `/usr`."""
    parts = path.parts[1:]
    return "/".join(["usr", *parts] if parts[0] in _USR else parts)


def _without_tests(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    left_out = {"__pycache__", "test", "idlelib", "ensurepip"} & set(Path(member.name).parts)
    is_other = "/site-packages/" in member.name and "/images/" not in member.name
    return None if left_out or is_other else member


def _add_file(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def _add_folder(archive: tarfile.TarFile, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o777
    archive.addfile(member)


def _add_link(archive: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    archive.addfile(member)
