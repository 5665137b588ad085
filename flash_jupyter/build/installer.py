"""The program that resolves and installs: uv, beside the interpreter or on PATH, else pip."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flash_jupyter.errors import BuildError

#: seconds for one run (flash-wire.md 6.4), and for pip to be unpacked from the interpreter's own copy
TIMEOUT_S = 600.0
ENSUREPIP_S = 120.0


@dataclass(frozen=True)
class Installer:
    """uv or pip as a command; `options` go to every run of it that looks for packages, such as another index."""

    command: tuple[str, ...]
    is_uv: bool
    options: tuple[str, ...] = ()

    def run(self, *arguments: str, folder: Path, timeout_s: float = TIMEOUT_S) -> subprocess.CompletedProcess[str]:
        """Run it in a folder; raises `BuildError` where it does not finish in time."""
        try:
            return subprocess.run(
                [*self.command, *arguments, *self.options],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BuildError(
                f"{'uv' if self.is_uv else 'pip'} did not finish within {timeout_s:,.1f} s",
                fix="look whether the package index answers, then build again",
            ) from None


def find_installer(*, python: str = sys.executable, which: Callable[..., str | None] = shutil.which) -> Installer:
    """Return uv, else pip, which is unpacked from the interpreter's own copy (ensurepip) where it is not installed.

    Raises `BuildError` where that fails, as it does on systems that keep ensurepip in a package of its own.
    """
    uv = which("uv", path=str(Path(python).parent)) or which("uv")
    if uv:
        return Installer((uv, "--color", "never", "--no-progress"), is_uv=True)
    if _fails(python, "-m", "pip", "--version") and (said := _fails(python, "-m", "ensurepip", "--upgrade")):
        raise BuildError(
            f"there is neither uv nor pip, and ensurepip failed: {said}",
            fix="install uv, or pip for this Python (on Debian and Ubuntu: apt install python3-pip python3-venv)",
        )
    return Installer((python, "-m", "pip", "--no-input", "--no-color", "--disable-pip-version-check"), is_uv=False)


def _fails(*command: str) -> str:
    """Return the last line that a command says where it fails; empty where it does not."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ENSUREPIP_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it did not finish within {ENSUREPIP_S:.0f} s"
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return "" if done.returncode == 0 else next(reversed(lines), f"exit code {done.returncode}")
