"""100 parallel calls of a remote `add(i)`: our client and the released ones, on one embedded Runpod, one after the other.

Every client is a process of its own with an endpoint of its own: one worker, warm before the clock starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from foreign import Platform, released
from report import Found, Row, medians

from flash_jupyter.session.local import ensure_local, stop_local
from flash_jupyter.settings import read_settings

CALLS = 100
OURS = Path(__file__).with_name("our_calls.py")
THEIRS = Path(__file__).parents[1] / "foreign" / "programs" / "flash_calls.py"
VERSIONS = ("1.0.0", "1.21.0")
LIVE = {"FLASH_IS_LIVE_PROVISIONING": "true", "RUNPOD_URL_MIXED_OK": "1", "RUNPOD_FLASH_SILENCE_DEPRECATION": "1"}


def measure(rounds: int) -> Found:
    """Return the seconds of each round of `CALLS` calls, by client."""
    found: Found = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        local = {"FLASH_JUPYTER_HOME": str(home / "data"), "FLASH_JUPYTER_BACKEND": "local"}
        settings = read_settings(local, project=home)
        ensure_local(settings)
        try:
            with Platform(settings, home) as platform:
                found["calls: ours"] = _run(sys.executable, OURS, rounds, home, {**os.environ, **local})
                for version in VERSIONS:
                    python = released(f"runpod-flash=={version}")
                    environ = platform.environ(**LIVE)
                    found[f"calls: {version}"] = _run(str(python), THEIRS, rounds, home, environ)
        finally:
            stop_local(settings)
    return found


def _run(python: str, program: Path, rounds: int, folder: Path, environ: dict[str, str]) -> list[float]:
    words = [python, "-W", "ignore", str(program), str(CALLS), str(rounds)]
    done = subprocess.run(words, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def rows(found: Found) -> list[Row]:
    """Lay the throughputs out; a ratio is how many times the faster released client's throughput ours is."""
    seconds = medians(found)
    ours = seconds["calls: ours"]
    fastest = min(seconds[f"calls: {version}"] for version in VERSIONS)

    def row(what: str, name: str, ratio: str = "", goal: str = "") -> Row:
        text = f"{CALLS} parallel calls of `add(i)`, {what} ({len(found[name])} rounds)"
        return text, f"{seconds[name] * 1000:.0f} ms, {CALLS / seconds[name]:.0f} calls/s", ratio, goal

    theirs = [row(f"`runpod-flash` {version}", f"calls: {version}") for version in VERSIONS]
    return [row("our `@remote`", "calls: ours", f"{fastest / ours:.1f} x the faster one's throughput", "≥ 5"), *theirs]
