"""`flash jobs`: what ran, from the store of jobs; needs no network."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from flash_jupyter.session.jobs import JobStore
from flash_jupyter.settings import read_settings

COLUMNS = ("id", "state", "endpoint_id", "backend", "notebook", "created_at", "finished_at")


def list_jobs(
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = 50,
) -> None:
    """List jobs, newest first; times are UTC."""
    store = JobStore(read_settings().job_store)
    rows = [job.to_json() for job in store.newest(limit=limit)]
    store.close()
    if as_json:
        typer.echo(json.dumps({"jobs": rows}))
        return
    typer.echo("\t".join(COLUMNS))
    for row in rows:
        typer.echo("\t".join(str(row[column] or "") for column in COLUMNS))
