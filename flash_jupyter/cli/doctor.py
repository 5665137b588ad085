"""`flash doctor`: what stands between a user and a cell that runs; with `--cloud` a cheap try of a real account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from flash_jupyter.cli.desk import Desk, at_desk, in_notebook
from flash_jupyter.cli.output import FAILED, Json
from flash_jupyter.settings import read_settings
from flash_jupyter.views.sheet import Rows, columns

if TYPE_CHECKING:
    from flash_jupyter.session.doctor import Check

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
COLUMNS = columns("subject", "level", "text", "fix", whole=("text", "fix"))


def doctor(
    context: typer.Context,
    as_json: Json = False,
    cloud: Annotated[bool, typer.Option("--cloud", help="make an endpoint, run 1 + 1, delete it")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask before money is spent")] = False,
) -> None:
    """Check key, versions, folders and the local Runpod; exit code 1 where something fails."""
    from flash_jupyter.session.doctor import examine, worst

    with at_desk(context, as_json=as_json) as desk:
        settings = desk.session.settings if in_notebook(context) else read_settings()
        checks = examine(settings)
        _show(context, desk, checks)
        if cloud and worst(checks) != "fail":
            from flash_jupyter.session.cloud_trial import cost_text, try_out  # brings the whole session along

            desk.face.note(cost_text(settings))
            if not (yes or desk.face.confirm("go on?")):
                raise typer.Exit(FAILED)
            tried = try_out(settings, lambda text: desk.face.note(f"  {text}"))
            _show(context, desk, tried)
            checks += tried
        if as_json:
            desk.face.show_json({"checks": [check.to_json() for check in checks]})
    if worst(checks) == "fail" and not in_notebook(context):
        raise typer.Exit(FAILED)


def _show(context: typer.Context, desk: Desk, checks: list[Check]) -> None:
    """Show a table in a notebook, and lines in a terminal."""
    if in_notebook(context):
        desk.show_beside([Rows([check.to_json() for check in checks], COLUMNS)])
    elif not desk.as_json:
        _print(checks)


def _print(checks: list[Check]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for check in checks:
        fix = f"\n      → {check.fix}" if check.fix else ""
        level = Text(f"{check.level:<4}", style=STYLES[check.level])
        console.print(Text.assemble(level, f"  {check.subject}: {check.text}{fix}"))
