"""`flash logs`: the last lines of an endpoint's workers, or all that a job printed."""

from __future__ import annotations

from typing import Annotated

import typer

from flash_jupyter.cli.output import Json, opened, print_json
from flash_jupyter.session.logs import LINES, logs
from flash_jupyter.views.listing import logs_text


def show_logs(
    name: Annotated[str, typer.Argument(help="name or id of an endpoint, or id of a job")],
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="how many of a worker's last lines")] = LINES,
    as_json: Json = False,
) -> None:
    """Print the last lines of each worker of an endpoint, or all that a job has printed."""
    with opened(as_json) as session:
        found = [log.to_json() for log in logs(session, name, lines=lines)]
    if as_json:
        print_json({"logs": found})
    else:
        typer.echo(logs_text(found))
