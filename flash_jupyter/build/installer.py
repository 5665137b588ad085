"""The program that resolves and installs: uv, beside the interpreter or on PATH, else pip."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flash_jupyter.errors import BuildError

#: seconds for one run (flash-wire.md 6.4), and for pip to be unpacked from the interpreter's own copy
TIMEOUT_S = 600.0
ENSUREPIP_S = 60.0


@dataclass(frozen=True)
class Installer:
    """uv or pip as a command; `options` go to every run of it that looks for packages, such as another index."""

    command: tuple[str, ...]
    is_uv: bool
    options: tuple[str, ...] = ()

    def run(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run it in a folder; raises `BuildError` where it does not finish within `TIMEOUT_S`."""
        try:
            return subprocess.run(
                [*self.command, *arguments, *self.options],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BuildError(
                f"{'uv' if self.is_uv else 'pip'} did not finish within {TIMEOUT_S:,.0f} s",
                fix="look whether the package index answers, then build again",
            ) from None


def find_installer(
    python: str = sys.executable,
    *,
    which: Callable[..., str | None] = shutil.which,
    has_pip: Callable[[], bool] = lambda: importlib.util.find_spec("pip") is not None,
) -> Installer:
    """Return uv, else pip, which is unpacked from the interpreter's own copy (ensurepip) where it is not installed.

    Raises `BuildError` where that fails, as it does on systems that keep ensurepip in a package of its own.
    """
    uv = which("uv", path=str(Path(python).parent)) or which("uv")
    if uv:
        return Installer((uv, "--color", "never", "--no-progress"), is_uv=True)
    if not has_pip():
        _ensure_pip(python)
    return Installer((python, "-m", "pip", "--no-input", "--no-color", "--disable-pip-version-check"), is_uv=False)


def _ensure_pip(python: str) -> None:
    command = [python, "-m", "ensurepip", "--upgrade"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ENSUREPIP_S, check=False
        )
        said = (done.stderr or done.stdout).strip() if done.returncode else ""
        failed = done.returncode != 0
    except subprocess.TimeoutExpired:
        failed, said = True, f"it did not finish within {ENSUREPIP_S:.0f} s"
    if failed:
        last = said.splitlines()[-1] if said else "it said nothing"
        raise BuildError(
            f"there is neither uv nor pip, and ensurepip failed: {last}",
            fix="install uv, or pip for this Python (on Debian and Ubuntu: apt install python3-pip python3-venv)",
        )
