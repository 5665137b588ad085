"""Which Python the workers of the embedded Runpod run: processes of this machine, not images (D13)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import lru_cache

from flash_jupyter.capsule.pickling import PYTHON
from flash_jupyter.errors import OptionError
from flash_jupyter.settings import BackendName

#: what a worker of ours imports before it takes its first job
_NEEDS = "import cloudpickle, flash_jupyter.worker.loop"
_LOOK_S = 30.0


def interpreter_of(backend: BackendName, python: str | None = None) -> str | None:
    """Return the Python that workers of the embedded Runpod run: ours, or the one asked for; None elsewhere.

    Raises `OptionError` where this machine has no such Python that could run a worker.
    """
    if backend != "local":
        return None
    return sys.executable if python in (None, PYTHON) else find_interpreter(str(python))


@lru_cache(maxsize=8)
def find_interpreter(version: str) -> str:
    """Return the path of a Python of this minor version, or raise `OptionError` with what it lacks."""
    name = f"python{version}"
    path = shutil.which(name)
    if path is None:
        raise OptionError(
            f"python={version}: this machine has no {name} on its PATH, and local workers are its processes",
            fix=f"install Python {version} with flash-jupyter, or leave python= away",
        )
    done = subprocess.run(
        [path, "-c", _NEEDS], stdin=subprocess.DEVNULL, capture_output=True, timeout=_LOOK_S, check=False
    )
    if done.returncode:
        raise OptionError(
            f"python={version}: {path} can't run a worker, because flash_jupyter is not installed there",
            fix=f"{path} -m pip install flash-jupyter, or leave python= away",
        )
    return path
