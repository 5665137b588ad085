"""`flash endpoints`: what the server lists. A thin face over the session."""

from __future__ import annotations

from datetime import datetime, timezone

import typer

from flash_jupyter.cli.output import Json, opened, print_json
from flash_jupyter.views.listing import endpoints_bundle


def list_endpoints(as_json: Json = False) -> None:
    """List endpoints, oldest first, with what each does, costs, and whose it is; times are UTC."""
    with opened(as_json) as session:
        rows = [entry.to_json() for entry in session.overview().endpoints]
    if as_json:
        print_json({"endpoints": rows})
    else:
        typer.echo(endpoints_bundle(rows, datetime.now(timezone.utc))["text/plain"])
