"""How long a remote `print` takes to the cell: from the call on the worker to the message that a frontend gets."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from kernels import kernel_in
from report import Found, Row, must

#: seconds that the cell is silent between two prints: no rhythm that could fit that of a buffer
PAUSES = "(0.15 + 0.4 * random.random())"
CELL = f"""%%remote
import random, time
for _ in range({{prints}}):
    time.sleep({PAUSES})
    print('printed at', time.time())
"""
GOAL_MS = 150


def measure(prints: int) -> Found:
    """Return the seconds of each print, on the embedded Runpod with a warm worker."""
    found: list[float] = []
    with tempfile.TemporaryDirectory() as folder, kernel_in(Path(folder)) as kernel:
        kernel.run("%load_ext flash_jupyter")
        kernel.run("%%remote\n1")
        for text in kernel.prints(CELL.format(prints=prints)):
            now = time.time()
            found += [now - float(line.rpartition(" ")[2]) for line in text.splitlines() if "printed at" in line]
    if len(found) != prints:
        raise RuntimeError(f"{len(found)} of {prints} lines came")
    return {"delay": found}


def rows(found: Found) -> list[Row]:
    """Lay the delay out: its median, and the 95th percentile, which is what must hold."""
    seconds = found["delay"]
    p95_ms = statistics.quantiles(seconds, n=20)[-1] * 1000
    text = f"from a remote `print` to the cell ({len(seconds)} prints)"
    return [
        (
            text,
            f"{statistics.median(seconds) * 1000:.0f} ms",
            f"p95 {p95_ms:.0f} ms",
            must(f"p95 ≤ {GOAL_MS} ms", holds=p95_ms <= GOAL_MS),
        )
    ]
