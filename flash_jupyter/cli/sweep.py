"""`flash sweep`: remove endpoints of ours that have expired and have no job, whatever kernel or machine left them."""

from __future__ import annotations

import typer

from flash_jupyter.cli.output import Json, Yes, opened, print_json
from flash_jupyter.session.sweep import Orphan, Swept


def sweep(yes: Yes = False, as_json: Json = False) -> None:
    """List expired endpoints of yours without a job, and delete them; --json without --yes only lists."""
    with opened(as_json) as session:
        orphans = session.orphans()
        if not as_json:
            for orphan in orphans:
                typer.echo(_line(orphan))
        is_wanted = yes or (not as_json and bool(orphans) and typer.confirm("delete?"))
        swept = session.sweep(orphan.id for orphan in orphans) if orphans and is_wanted else Swept([], [])
    if as_json:
        rows = [orphan.to_json() for orphan in orphans]
        print_json({"orphans": rows, "deleted": swept.deleted, "kept": swept.kept})
    elif is_wanted or not orphans:
        typer.echo(swept.describe())


def _line(orphan: Orphan) -> str:
    """Describe what may go.

    >>> _line(Orphan("trainer", "e1", "runpod", "ADA_24", 2, "ann", "2026-11-22T10:00:00Z"))
    'trainer (e1): ADA_24, expired 2026-11-22T10:00:00Z, 2 waiting workers'
    """
    waiting = f", {orphan.workers_min} waiting workers" if orphan.workers_min else ""
    return f"{orphan.name} ({orphan.id}): {orphan.hardware}, expired {orphan.expired_at}{waiting}"
