"""An environment of this machine that has what a published image has: workers of a preview run in it.

Nothing of the kernel's environment is in it, so that a package which the bundle lacks is missing here too. Only torch
and its companions are taken from there, where a GPU image brings them: they are too large to be installed beside.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import time
from pathlib import Path

from filelock import FileLock

from flash_jupyter.build.install import KEPT_S, remove_unused
from flash_jupyter.build.installer import Installer
from flash_jupyter.build.target import FAMILY
from flash_jupyter.capture.packages import base_images
from flash_jupyter.errors import BuildError

#: never installed: some gigabytes, or built for a GPU that is not here
HEAVY = frozenset(FAMILY)
_READY = ".ready"


def stand_in(image: str, python: str, cache: Path) -> Path:
    """Return the interpreter that stands for an image of a minor Python; made once, then kept in `cache`.

    Those that no preview has asked for in a month are removed. Blocking: some seconds where it has to be made.
    Raises `BuildError` where it can't be.
    """
    packages = packages_of(image, python)
    wanted = sorted(packages - HEAVY)
    borrowed = _site_of_torch(python) if packages & HEAVY else None
    key = hashlib.sha256(json.dumps([python, wanted, borrowed]).encode()).hexdigest()[:16]
    folder = cache / "images" / f"py{python}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    interpreter = folder / "bin" / "python"
    with FileLock(f"{folder}.lock"):
        if not (folder / _READY).exists():
            _uv(folder.parent, "venv", "--quiet", "--clear", "--python", python, str(folder))
            _uv(folder.parent, "pip", "install", "--quiet", "--python", str(interpreter), *wanted)
            if borrowed is not None:
                (_site_packages(folder) / "torch_of_this_machine.pth").write_text(f"{borrowed}\n", "utf-8")
            (folder / _READY).touch()
        os.utime(folder)
    remove_unused(folder.parent, before=time.time() - KEPT_S)
    return interpreter


def packages_of(image: str, python: str) -> frozenset[str]:
    """Return the distributions that an image has; one that is not published is taken for the CPU image.

    >>> "torch" in packages_of("runpod/flash:latest", "3.12"), "torch" in packages_of("me/mine:1", "3.12")
    (True, False)
    """
    known = base_images()
    name = image.rpartition("/")[0] + "/" + image.rpartition("/")[2].partition(":")[0]
    found = next((each for each in known["images"].values() if name in each["names"]), known["images"]["cpu"])
    parts = found["pythons"].get(python, found["pythons"]["*"])
    return frozenset(package for part in parts for package in known["parts"][part]["packages"])


def lacks_torch(image: str, python: str) -> bool:
    """Whether the image brings torch and this machine can't lend it."""
    return "torch" in packages_of(image, python) and _site_of_torch(python) is None


def _site_of_torch(python: str) -> str | None:
    """The folder from which our own interpreter imports torch; another Python could not."""
    spec = importlib.util.find_spec("torch")
    is_same = python == f"{sys.version_info[0]}.{sys.version_info[1]}"
    return str(Path(spec.origin).parents[1]) if is_same and spec is not None and spec.origin else None


def _site_packages(folder: Path) -> Path:
    return next((folder / "lib").glob("python*/site-packages"))


def _uv(folder: Path, *words: str) -> None:
    from uv import find_uv_bin  # a few milliseconds, which only a preview needs

    done = Installer((find_uv_bin(),), is_uv=True).run(*words, folder=folder)
    if done.returncode:
        last = "\n".join(f"    {line}" for line in done.stderr.strip().splitlines()[-6:])
        raise BuildError(
            f"the environment of the preview can't be made: uv {words[0]} failed\n{last}",
            fix="check the connection and the package index, or build without --preview",
        )
