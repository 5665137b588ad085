"""No test sees the user's key, folders or notebooks: the environment is made plain before anything is imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

for name in [name for name in os.environ if name.startswith(("RUNPOD_", "FLASH_"))]:
    del os.environ[name]
os.environ["FLASH_JUPYTER_BACKEND"] = "local"
for name in ("PY_COLORS", "FORCE_COLOR", "COLUMNS"):  # pytest-xdist tells its processes about the user's terminal
    os.environ.pop(name, None)


@pytest.fixture
def flash_home(tmp_path: Path) -> Path:
    """A folder for one test's jobs, endpoints and embedded Runpod."""
    return tmp_path / "home"
