"""The table of `make bench`: printed, and written to `results.md` and `results.json` here."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
COLUMNS = ("what", "median", "ratio", "must be")

#: what was measured, what it took, how it compares, what that must reach
Row = tuple[str, str, str, str]
#: seconds of each run, by name
Found = dict[str, list[float]]


def must(text: str, *, holds: bool) -> str:
    """Return what must be reached, marked where it is not; a table that is only read is soon believed."""
    return text if holds else f"{text}: NOT REACHED"


def medians(found: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median of each measurement, in seconds."""
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    table = Table(*COLUMNS)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def write(rows: Sequence[Row], found: Found) -> None:
    """Write the table, and every run's seconds, beside this file."""
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}"
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    (HERE / "results.md").write_text(f"# make bench\n\n{machine}\n\n" + "\n".join(lines) + "\n")
    (HERE / "results.json").write_text(json.dumps({"machine": machine, "seconds": found}, indent=1) + "\n")
