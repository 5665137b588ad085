"""`make bench`: what remote cells and calls cost, beside others, in one run on one machine; ratios count, not milliseconds.

Prints a table and writes it to `results.md` and `results.json` here. `--only calls` runs one part and writes nothing.
"""

from __future__ import annotations

import argparse
import sys

import measure_build
import measure_calls
import measure_cells
import measure_delay
import measure_imports
import report

PARTS = ("cells", "delay", "calls", "imports", "build")


def main() -> int:
    """Measure everything, or one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few runs of each")
    parser.add_argument("--only", choices=PARTS, help="one part, printed and not written")
    arguments = parser.parse_args()
    quick, parts = arguments.quick, [arguments.only] if arguments.only else PARTS
    found: report.Found = {}
    rows: list[report.Row] = []
    if "cells" in parts:
        cells = {**measure_cells.measure_warm(20 if quick else 100), **measure_cells.measure_cold(2 if quick else 10)}
        found, rows = {**found, **cells}, [*rows, *measure_cells.rows(cells)]
    if "delay" in parts:
        delay = measure_delay.measure(40 if quick else 200)
        found, rows = {**found, **delay}, [*rows, *measure_delay.rows(delay)]
    if "calls" in parts:
        calls = measure_calls.measure(2 if quick else 5)
        found, rows = {**found, **calls}, [*rows, *measure_calls.rows(calls)]
    if "imports" in parts:
        imports = measure_imports.measure(3 if quick else 10)
        found, rows = {**found, **imports}, [*rows, *measure_imports.rows(imports)]
    if "build" in parts:
        builds = measure_build.measure(2 if quick else 5)
        found, rows = {**found, **builds}, [*rows, *measure_build.rows(builds)]
    report.show(rows)
    if not arguments.only:
        report.write(rows, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
