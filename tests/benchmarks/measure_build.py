"""`flash build` of one small project with a dependency: ours and that of runpod-flash 1.21.0, in turns, caches warm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from foreign import released
from report import Found, Row, medians, must

VERSION = "1.21.0"
PROJECT = Path(__file__).parents[1] / "foreign" / "programs" / "shop"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
OURS, THEIRS = "build: ours", f"build: {VERSION}"
#: bytes of the artifacts, under the names of the times
SIZE = " bytes"


def measure(rounds: int) -> Found:
    """Return the seconds of each build, and the bytes of each artifact; the first build of each fills its caches."""
    programs = {OURS: Path(sys.executable), THEIRS: released(f"runpod-flash=={VERSION}")}
    found: Found = {}
    with tempfile.TemporaryDirectory() as name:
        for each in programs:
            shutil.copytree(PROJECT, Path(name) / each.partition(" ")[2] / "shop")
        for number in range(rounds + 1):
            for each, python in programs.items():
                folder = Path(name) / each.partition(" ")[2] / "shop"
                seconds = _seconds(python, folder, Path(name))
                if number:
                    found.setdefault(each, []).append(seconds)
                    found.setdefault(each + SIZE, []).append((folder / ".flash" / "artifact.tar.gz").stat().st_size)
    return found


def _seconds(python: Path, folder: Path, home: Path) -> float:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("RUNPOD_", "FLASH_"))}
    settings = {"FLASH_JUPYTER_HOME": str(home / "home"), "FLASH_JUPYTER_BACKEND": "local"}
    command = [str(python.with_name("flash")), "build", "--python-version", PYTHON]
    begun = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env={**environ, **settings, "RUNPOD_FLASH_SILENCE_DEPRECATION": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return seconds


def rows(found: Found) -> list[Row]:
    """Lay the medians out, beside the released client's."""
    middle = medians(found)

    def row(what: str, name: str, unit: str, goal: str = "") -> Row:
        other = THEIRS + SIZE if name.endswith(SIZE) else THEIRS
        shown = f"{middle[name] / 1000:.1f} kB" if name.endswith(SIZE) else f"{middle[name]:.2f} s"
        return f"{what} ({len(found[name])} {unit})", shown, f"{middle[name] / middle[other]:.3f} x {VERSION}", goal

    return [
        row("`flash build`, warm caches", OURS, "builds", must("≤ 0.5", holds=middle[OURS] <= 0.5 * middle[THEIRS])),
        row(f"the same with runpod-flash {VERSION}", THEIRS, "builds"),
        row("its artifact", OURS + SIZE, "builds", must("≤ 1", holds=middle[OURS + SIZE] <= middle[THEIRS + SIZE])),
        row(f"the artifact of runpod-flash {VERSION}", THEIRS + SIZE, "builds"),
    ]
