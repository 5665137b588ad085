"""What an import costs in a fresh process: ours, and the released clients' in their own environments."""

from __future__ import annotations

import subprocess
import sys

from foreign import released
from report import Found, Row, medians, must

VERSIONS = ("1.0.0", "1.21.0")
_TIMED = "import time; started = time.perf_counter(); {}; print(time.perf_counter() - started)"


def measure(runs: int) -> Found:
    """Return the seconds of each import, by name; the first of each is thrown away, for it compiles."""
    wanted = [
        ("import: ours", sys.executable, "import flash_jupyter"),
        ("import: our remote", sys.executable, "from flash_jupyter import remote"),
        *(
            (f"import: {version}", str(released(f"runpod-flash=={version}")), "from runpod_flash import remote")
            for version in VERSIONS
        ),
    ]
    found: Found = {name: [] for name, _, _ in wanted}
    for _ in range(runs + 1):
        for name, python, statement in wanted:
            found[name].append(_seconds(python, statement))
    return {name: seconds[1:] for name, seconds in found.items()}


def _seconds(python: str, statement: str) -> float:
    done = subprocess.run(
        [python, "-W", "ignore", "-c", _TIMED.format(statement)], stdout=subprocess.PIPE, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])


def rows(found: Found) -> list[Row]:
    """Lay the medians out, beside the faster one of the released clients."""
    seconds = medians(found)
    fastest = min(seconds[f"import: {version}"] for version in VERSIONS)

    def row(what: str, name: str, goal: str = "") -> Row:
        text = f"{what}, fresh process ({len(found[name])} runs)"
        return text, f"{seconds[name] * 1000:.1f} ms", f"{seconds[name] / fastest:.3f} x the faster one", goal

    return [
        row("`import flash_jupyter`", "import: ours", must("≤ 0.1", holds=seconds["import: ours"] <= 0.1 * fastest)),
        row("`from flash_jupyter import remote`", "import: our remote"),
        *(row(f"`from runpod_flash import remote`, {version}", f"import: {version}") for version in VERSIONS),
    ]
