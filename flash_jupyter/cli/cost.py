"""`flash cost`: what the platform has billed, by endpoint. What a kernel has spent, only that kernel knows."""

from __future__ import annotations

from typing import Annotated

import typer

from flash_jupyter.cli.output import Json, opened, print_json
from flash_jupyter.session.bill import DAYS, DAYS_MAX
from flash_jupyter.views.cost import cost_bundle


def cost(
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="days of UTC, today included")] = DAYS,
    as_json: Json = False,
) -> None:
    """Say what was billed today and in some days; on the local Runpod what would have been."""
    with opened(as_json) as session:
        bill = session.bill(days)
    document = bill.to_json() if bill else None
    if as_json:
        print_json({"kernel": None, "bill": document})
    else:
        typer.echo(cost_bundle(None, document)["text/plain"])
