"""100 parallel calls of a remote `add(i)`: our client and the released ones, in turns, on one embedded Runpod.

Every client is a process of its own with an endpoint of its own: one worker, warm before the clock starts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from foreign import Platform, released
from report import Found, Row, medians, must

from flash_jupyter.session.local import ensure_local, stop_local
from flash_jupyter.settings import read_settings

CALLS = 100
OURS = Path(__file__).with_name("our_calls.py")
THEIRS = Path(__file__).parents[1] / "foreign" / "programs" / "flash_calls.py"
VERSIONS = ("1.0.0", "1.21.0")
LIVE = {"FLASH_IS_LIVE_PROVISIONING": "true", "RUNPOD_URL_MIXED_OK": "1", "RUNPOD_FLASH_SILENCE_DEPRECATION": "1"}


class Client:
    """A process that makes a round of calls when it is told to."""

    def __init__(self, python: str | Path, program: Path, folder: Path, environ: dict[str, str]) -> None:
        self._program = program
        words = [str(python), "-W", "ignore", str(program), str(CALLS)]
        self._process = subprocess.Popen(
            words, cwd=folder, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Client:
        self._answer("ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def round(self) -> float:
        """Return the seconds of one round of calls."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._answer("seconds ").removeprefix("seconds "))

    def _answer(self, beginning: str) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:  # the released clients log to their output
            if line.startswith(beginning):
                return line
        raise RuntimeError(f"{self._program.name} ended with {self._process.wait()}")


def measure(rounds: int) -> Found:
    """Return the seconds of each round of `CALLS` calls, by client; they take turns, so that noise meets all of them."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        local = {"FLASH_JUPYTER_HOME": str(home / "data"), "FLASH_JUPYTER_BACKEND": "local"}
        settings = read_settings(local, project=home)
        ensure_local(settings)
        stack.callback(stop_local, settings)
        environ = stack.enter_context(Platform(settings, home)).environ(**LIVE)
        clients = {"calls: ours": Client(sys.executable, OURS, home, {**os.environ, **local})}
        for version in VERSIONS:
            folder = home / version
            folder.mkdir()
            clients[f"calls: {version}"] = Client(released(f"runpod-flash=={version}"), THEIRS, folder, environ)
        for client in clients.values():
            stack.enter_context(client)
        found: Found = {name: [] for name in clients}
        for _ in range(rounds):
            for name, client in clients.items():
                found[name].append(client.round())
    return found


def rows(found: Found) -> list[Row]:
    """Lay the throughputs out; a ratio is how many times the faster released client's throughput ours is."""
    seconds = medians(found)
    ours = seconds["calls: ours"]
    fastest = min(seconds[f"calls: {version}"] for version in VERSIONS)

    def row(what: str, name: str, ratio: str = "", goal: str = "") -> Row:
        text = f"{CALLS} parallel calls of `add(i)`, {what} ({len(found[name])} rounds)"
        return text, f"{seconds[name] * 1000:.0f} ms, {CALLS / seconds[name]:.0f} calls/s", ratio, goal

    theirs = [row(f"`runpod-flash` {version}", f"calls: {version}") for version in VERSIONS]
    goal = must("≥ 5", holds=fastest / ours >= 5)
    return [row("our `@remote`", "calls: ours", f"{fastest / ours:.1f} x the faster one's throughput", goal), *theirs]
