"""Execute a notebook headless and print every cell's output: `python notebooks/execute.py NOTEBOOK [--write]`.

Exits 1 where a cell fails that is not tagged `raises-exception`. With `--write`, the outputs are saved in the notebook.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def main() -> int:
    """Run, print, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--write", action="store_true", help="save the outputs in the notebook")
    arguments = parser.parse_args()
    notebook = nbformat.read(arguments.notebook, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=600,
        record_timing=False,
        resources={"metadata": {"path": str(arguments.notebook.parent)}},
        on_cell_executed=lambda cell, **_: print_cell(cell),
    )
    try:
        client.execute()
    except CellExecutionError as error:
        print(f"\n{arguments.notebook}: a cell failed: {error.ename}: {error.evalue}", file=sys.stderr)
        return 1
    if arguments.write:
        nbformat.write(notebook, arguments.notebook)
    return 0


def print_cell(cell: Any) -> None:
    """Print the source of a code cell and what it put out."""
    print("\n" + "\n".join(f">>> {line}" for line in cell.source.splitlines()))
    for output in cell.get("outputs", []):
        print(output_text(output).rstrip("\n"), flush=True)


def output_text(output: Any) -> str:
    """Take the plain text of one output.

    >>> output_text(nbformat.v4.new_output("stream", text="hello"))
    'hello'
    """
    if output.output_type == "stream":
        return str(output.text)
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return str(output.data.get("text/plain", f"<{', '.join(output.data)}>"))


if __name__ == "__main__":
    sys.exit(main())
