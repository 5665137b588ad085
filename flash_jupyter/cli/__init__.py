"""The command line: `flash`, also `jupyter flash`. One file a command group, no logic here."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the entry point of `flash` and `jupyter-flash`."""
    from flash_jupyter.cli.main import run

    run()
