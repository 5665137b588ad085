"""Which runner a job needs, by the kind that its record says."""

from __future__ import annotations

from collections.abc import Callable

from flash_jupyter.session.events import Event
from flash_jupyter.session.jobs import JobRecord
from flash_jupyter.session.running import Runner
from flash_jupyter.session.submitting import Desk
from flash_jupyter.session.writer import Journal, OutputLog
from flash_jupyter.settings import Settings


def make_runner(
    desk: Desk, settings: Settings, record: JobRecord, *, tell: Callable[[Event], None] | None = None
) -> Runner:
    """Return what takes a job on its way, or follows it."""
    logs = settings.home / "logs"
    log = OutputLog(logs / f"{record.id}.log", desk.writer)
    journal = Journal(logs / f"{record.id}.jsonl", desk.writer)
    kind = Runner
    if record.kind == "handler":
        from flash_jupyter.session.payload import HandlerRunner

        kind = HandlerRunner
    return kind(desk, record, log, journal, tell=tell)
