"""Environments of the released packages, made once under `.venvs/`, and an embedded Runpod for them to talk to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flash_jupyter.session.local import ensure_local, stop_local
from flash_jupyter.settings import Backend, read_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def released() -> Callable[..., Path]:
    """Give the interpreter of an environment that has these packages, and nothing of ours."""

    def make(*packages: str) -> Path:
        python = ROOT / ".venvs" / packages[0].replace("==", "-") / "bin" / "python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(python.parents[1])], check=True)
            subprocess.run(
                [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), *packages],
                check=True,
            )
        return python

    return make


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    home = tmp_path_factory.mktemp("home")
    settings = read_settings({"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local"}, project=home)
    yield ensure_local(settings)
    stop_local(settings)
