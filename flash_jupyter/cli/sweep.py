"""`flash sweep`: remove endpoints of ours that have expired and have no job, whatever kernel or machine left them."""

from __future__ import annotations

import typer

from flash_jupyter.cli.output import Json, Yes, opened, print_json
from flash_jupyter.session.sweep import Swept


def sweep(yes: Yes = False, as_json: Json = False) -> None:
    """List expired endpoints of yours without a job, and delete them; --json without --yes only lists."""
    with opened(as_json) as session:
        orphans = session.orphans()
        if not as_json:
            for orphan in orphans:
                typer.echo(orphan.describe())
        is_wanted = yes or (not as_json and bool(orphans) and typer.confirm("delete?"))
        swept = session.sweep(orphan.id for orphan in orphans) if orphans and is_wanted else Swept([], [])
    if as_json:
        rows = [orphan.to_json() for orphan in orphans]
        print_json({"orphans": rows, "deleted": swept.deleted, "kept": swept.kept})
    elif is_wanted or not orphans:
        typer.echo(swept.describe())
