"""`flash jobs`: what ran, from the store of jobs, which needs no network; `flash cancel`: stop one."""

from __future__ import annotations

from typing import Annotated

import typer

from flash_jupyter.cli.output import FAILED, Json, opened, print_json
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.settings import read_settings

COLUMNS = ("id", "outcome", "endpoint_id", "backend", "notebook", "created_at", "finished_at")


def list_jobs(
    as_json: Json = False,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = 50,
) -> None:
    """List jobs, newest first; times are UTC."""
    store = JobStore(read_settings().job_store)
    rows = [job.to_json() for job in store.newest(limit=limit)]
    store.close()
    if as_json:
        print_json({"jobs": rows})
        return
    typer.echo("\t".join(COLUMNS))
    for row in rows:
        typer.echo("\t".join(str(row[column] or "") for column in COLUMNS))


def cancel(
    job: Annotated[str, typer.Argument(help="its id, ours or the platform's, or a unique beginning")],
    as_json: Json = False,
) -> None:
    """Stop a job, and say what became of its worker; exit code 1 where it is not confirmed."""
    with opened(as_json) as session:
        ended = session.cancel(job, by="a terminal")
    if as_json:
        print_json(
            {"id": ended.job_id, "state": ended.state.value, "is_confirmed": ended.is_confirmed, "text": ended.text}
        )
    else:
        typer.echo(f"{ended.job_id}: {ended.text}")
    if not ended.is_confirmed:
        raise typer.Exit(FAILED)
