"""Environments of the released packages, made once under `.venvs/`, and an embedded Runpod for them to talk to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from foreign import Platform

from flash_jupyter.session.local import ensure_local, stop_local
from flash_jupyter.settings import Backend, Settings, read_settings

#: they run in the environments of the released packages, and import what is only there
collect_ignore = ["programs"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def released() -> Callable[..., Path]:
    """Give the interpreter of an environment that has these packages, and nothing of ours."""

    def make(*packages: str) -> Path:
        folder = ROOT / ".venvs" / packages[0].replace("==", "-")
        folder.parent.mkdir(exist_ok=True)
        python, done = folder / "bin" / "python", folder / ".installed"
        with FileLock(f"{folder}.lock"):
            if not done.exists():
                subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
                install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python)]
                subprocess.run([*install, *packages], check=True)
                done.touch()
        return python

    return make


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    return read_settings({"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local"}, project=home)


@pytest.fixture(scope="module")
def local(settings: Settings) -> Iterator[Backend]:
    yield ensure_local(settings)
    stop_local(settings)


@pytest.fixture(scope="module")
def platform(settings: Settings, local: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Give an embedded Runpod as foreign software sees it."""
    with Platform(settings, tmp_path_factory.mktemp("user")) as found:
        yield found
