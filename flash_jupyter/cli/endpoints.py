"""`flash endpoints`, `logs` and `cost`: what each endpoint does, says and has cost, as the server lists them."""

from __future__ import annotations

from typing import Annotated

import typer

from flash_jupyter.cli.desk import at_desk, in_notebook
from flash_jupyter.cli.output import Json
from flash_jupyter.session.bill import DAYS, DAYS_MAX
from flash_jupyter.session.logs import LINES, logs
from flash_jupyter.views.cost import cost_sheet
from flash_jupyter.views.listing import endpoints_sheet, logs_text


def list_endpoints(context: typer.Context, as_json: Json = False) -> None:
    """List endpoints, oldest first, with what each does, costs, and whose it is; times are UTC."""
    with at_desk(context, as_json=as_json) as desk:
        overview = desk.session.overview()
        rows = [entry.to_json() for entry in overview.endpoints]
        desk.show(endpoints_sheet(rows, overview.at), {"endpoints": rows})


def cost(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="days of UTC, today included")] = DAYS,
    as_json: Json = False,
) -> None:
    """Say what was billed today and in some days; on the local Runpod what would have been."""
    with at_desk(context, as_json=as_json) as desk:
        bill = desk.session.bill(days)
        billed = bill.to_json() if bill else None
        # what a kernel has spent, only that kernel knows
        kernel = desk.session.meter().to_json() if in_notebook(context) else None
        desk.show(cost_sheet(kernel, billed), {"kernel": kernel, "bill": billed})


def show_logs(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="name or id of an endpoint, or id of a job")],
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="how many of a worker's last lines")] = LINES,
    as_json: Json = False,
) -> None:
    """Print the last lines of each worker of an endpoint, or all that a job has printed."""
    with at_desk(context, as_json=as_json) as desk:
        found = [log.to_json() for log in logs(desk.session, name, lines=lines)]
        desk.show(logs_text(found), {"logs": found})
