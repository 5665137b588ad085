"""`flash doctor`: what stands between a user and a cell that runs; with `--cloud` a cheap try of a real account."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from flash_jupyter.session.doctor import Check, examine, worst
from flash_jupyter.settings import read_settings

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    cloud: Annotated[bool, typer.Option("--cloud", help="make an endpoint, run 1 + 1, delete it")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before money is spent")] = False,
) -> None:
    """Check key, versions, folders and the local Runpod; exit code 1 where something fails."""
    settings = read_settings()
    checks = examine(settings)
    if not as_json:
        _show(checks)
    if cloud and worst(checks) != "fail":
        from flash_jupyter.session.doctor import cost_text, try_out

        typer.echo(cost_text(settings), err=True)
        if not (yes or typer.confirm("go on?", err=True)):
            raise typer.Exit(1)
        tried = try_out(settings, lambda text: typer.echo(f"  {text}", err=True))
        if not as_json:
            _show(tried)
        checks += tried
    if as_json:
        typer.echo(json.dumps({"checks": [check.to_json() for check in checks]}))
    if worst(checks) == "fail":
        raise typer.Exit(1)


def _show(checks: list[Check]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for check in checks:
        fix = f"\n      → {check.fix}" if check.fix else ""
        level = Text(f"{check.level:<4}", style=STYLES[check.level])
        console.print(Text.assemble(level, f"  {check.subject}: {check.text}{fix}"))
