"""No test sees the user's key, folders or notebooks: the environment is made plain before anything is imported."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

#: built by tests, in a copy; as modules they make no sense
collect_ignore = ["notebooks"]

# a shell's background jobs ignore interrupts, and their children too: tests that send one would wait for ever
signal.signal(signal.SIGINT, signal.default_int_handler)

for name in [name for name in os.environ if name.startswith(("RUNPOD_", "FLASH_"))]:
    del os.environ[name]
os.environ["FLASH_JUPYTER_BACKEND"] = "local"
#: what pytest-xdist says to its processes, and ipykernel's shell to the process in which a test makes one
_TERMINAL = ("CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "PY_COLORS")
for name in _TERMINAL:
    os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def no_terminal() -> Iterator[None]:
    """No test finds a terminal that another one left in the environment."""
    yield
    for name in _TERMINAL:
        os.environ.pop(name, None)


@pytest.fixture
def flash_home(tmp_path: Path) -> Path:
    """A folder for one test's jobs, endpoints and embedded Runpod."""
    return tmp_path / "home"
