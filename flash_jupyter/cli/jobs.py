"""`flash jobs`: what ran, from the store of jobs; a terminal needs no network for it. `flash cancel`: stop one."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

import typer

from flash_jupyter.cli.desk import at_desk, in_notebook
from flash_jupyter.cli.output import FAILED, Json
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.settings import read_settings
from flash_jupyter.views.listing import jobs_sheet


def list_jobs(
    context: typer.Context,
    as_json: Json = False,
    limit: Annotated[int, typer.Option(min=1, help="at most so many")] = 50,
    with_all: Annotated[
        bool, typer.Option("--all", help="also those of scratch copies, in which a preview or a deploy runs a notebook")
    ] = False,
) -> None:
    """List jobs, newest first."""
    with at_desk(context, as_json=as_json) as desk:
        settings = read_settings()
        if in_notebook(context):  # what attach and cancel know there, whatever the environment says by now
            desk.session.refresh_jobs()
            settings = desk.session.settings
        store = JobStore(settings.job_store)
        rows = [job.to_json() for job in store.newest(limit=limit, of_scratch=with_all)]
        store.close()
        desk.show(jobs_sheet(rows, datetime.now(timezone.utc)), {"jobs": rows})


def cancel(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="its id, ours or the platform's, or a unique beginning")],
    as_json: Json = False,
) -> None:
    """Stop a job, and say what became of its worker; exit code 1 where it is not confirmed."""
    with at_desk(context, as_json=as_json) as desk:
        ended = desk.session.cancel(job, by="%flash cancel" if in_notebook(context) else "a terminal")
        desk.show([f"{ended.job_id}: {ended.text}"], ended.to_json())
    if not (ended.is_confirmed or in_notebook(context)):
        raise typer.Exit(FAILED)
