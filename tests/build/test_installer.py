"""Which program installs: uv, else pip, else a reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flash_jupyter.build.installer import Installer, find_installer
from flash_jupyter.errors import BuildError


def no_uv(_name: str, path: str | None = None) -> None:
    return None


def interpreter(folder: Path, script: str) -> str:
    """A program in the place of a Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_uv_is_found_beside_the_interpreter_first(tmp_path: Path) -> None:
    found = find_installer(which=lambda name, path=None: f"{path}/{name}" if path else "/elsewhere/uv")
    assert found.is_uv
    assert found.command[0] == f"{Path(sys.executable).parent}/uv"


def test_uv_is_found_on_the_path(tmp_path: Path) -> None:
    assert find_installer(which=lambda name, path=None: None if path else "/usr/bin/uv").command[0] == "/usr/bin/uv"


def test_pip_is_taken_where_uv_is_absent(tmp_path: Path) -> None:
    python = interpreter(tmp_path, 'test "$2" = pip')
    found = find_installer(python=python, which=no_uv)
    assert (found.is_uv, found.command[:3]) == (False, (python, "-m", "pip"))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ('echo "$0: No module named $2" >&2; exit 1', "{python}: No module named ensurepip"),
        ("exit 3", "exit code 3"),
    ],
    ids=["a system that keeps ensurepip in a package of its own", "a program that says nothing"],
)
def test_no_installer_at_all_is_an_error(script: str, reason: str, tmp_path: Path) -> None:
    python = interpreter(tmp_path, script)
    with pytest.raises(BuildError) as caught:
        find_installer(python=python, which=no_uv)
    assert str(caught.value) == (
        f"there is neither uv nor pip, and ensurepip failed: {reason.format(python=python)}\n"
        "  → install uv, or pip for this Python (on Debian and Ubuntu: apt install python3-pip python3-venv)"
    )


def test_an_installer_that_hangs_is_an_error(tmp_path: Path) -> None:
    slow = Installer((sys.executable, "-c", "import time; time.sleep(600)"), is_uv=True)
    with pytest.raises(
        BuildError, match=r"^uv did not finish within 0.5 s\n  → look whether the package index answers"
    ):
        slow.run(folder=tmp_path, timeout_s=0.5)
