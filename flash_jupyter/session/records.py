"""What is remembered of a job, and how it stands in a row of the store."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from operator import attrgetter
from typing import Any

from flash_jupyter.settings import BackendName
from flash_jupyter.states import JobState

#: what every listing shows of a job (design, section 5)
LISTED = (
    *("id", "platform_id", "name", "state", "endpoint_id", "backend", "notebook", "cell_id"),
    *("created_at", "finished_at", "cost_usd", "has_result"),
)


#: begins the last part of the session of a scratch copy's kernel (`session/owner.py`)
SCRATCH = "scratch-"


@dataclass(frozen=True)
class JobRecord:
    """What is remembered of a job. `id` is ours (`fj-…`), `platform_id` the platform's, None until it was taken.

    `names` are those that were captured, `out` those that may return (None: all), `run` marks its events. `kind` is
    `cell`, `call`, or one of `session/handlers.py`, `session` whose job it is (`session/owner.py`),
    `seen_at` when the platform told of it last, `is_taken` whether a notebook has its result, `cancelled_by` from where
    somebody beside its kernel asked for its end. `error` of a job that is `COMPLETED` is what its code raised: to the
    platform such a job has done its work.
    """

    id: str
    state: JobState
    backend: BackendName
    created_at: str
    platform_id: str | None = None
    name: str | None = None
    endpoint_id: str | None = None
    key_origin: str = ""
    notebook: str = ""
    cell_id: str = ""
    filename: str = ""
    source: str = ""
    names: tuple[str, ...] = ()
    out: tuple[str, ...] | None = None
    run: str = ""
    worker_id: str | None = None
    error: str | None = None
    finished_at: str | None = None
    cost_usd: float | None = None
    events_log: str | None = None
    has_result: bool = False
    kind: str = "cell"
    session: str | None = None
    seen_at: str | None = None
    is_taken: bool = False
    cancelled_by: str | None = None

    @property
    def is_of_scratch(self) -> bool:
        """Whether a scratch copy sent it, in which a preview or a deploy runs a notebook: no user waits for it.

        >>> JobRecord("fj-1", JobState.COMPLETED, "local", "", session="host:1:2.00:scratch-a1b2c3").is_of_scratch
        True
        """
        return (self.session or "").rpartition(":")[2].startswith(SCRATCH)

    @property
    def outcome(self) -> str:
        """Say what became of it, as a reader of a listing wants it: the platform's state, or what the code raised.

        >>> JobRecord("fj-1", JobState.COMPLETED, "local", "", error="ValueError: no").outcome
        'raised ValueError'
        >>> JobRecord("fj-1", JobState.FAILED, "local", "", error="WorkerLost: it died").outcome
        'FAILED'
        """
        if self.state is not JobState.COMPLETED or not self.error:
            return self.state.value
        return f"raised {self.error.partition(':')[0]}"

    def to_json(self) -> dict[str, Any]:
        """Return the fields that every listing with `--json` shows."""
        return {column: getattr(self, column) for column in LISTED} | {
            "state": self.state.value,
            "outcome": self.outcome,
            "called": "" if self.kind == "cell" else self.source,
        }


COLUMNS = tuple(each.name for each in fields(JobRecord))
_values_of = attrgetter(*COLUMNS)


def new_job_id() -> str:
    """Return an id of ours, e.g. `fj-1f0c9a27b3d4`."""
    return f"fj-{secrets.token_hex(6)}"


def utc_now() -> str:
    """Return the time as the store keeps it: UTC, milliseconds."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def row_of(job: JobRecord) -> list[Any]:
    """Write a record as a row with the columns of `COLUMNS`."""
    return [sql_value(value) for value in _values_of(job)]


def sql_value(value: Any) -> Any:
    """Write a value as SQLite keeps it: names as JSON.

    >>> sql_value(JobState.FAILED), sql_value(("a", "b")), sql_value(None)
    ('FAILED', '["a", "b"]', None)
    """
    if isinstance(value, JobState):
        return value.value
    return json.dumps(value) if isinstance(value, tuple) else value


def record_of(row: tuple[Any, ...]) -> JobRecord:
    """Read a row with the columns of `COLUMNS`."""
    found = dict(zip(COLUMNS, row, strict=True))
    found["state"] = JobState(found["state"])
    found["names"] = tuple(json.loads(found["names"] or "[]"))
    found["out"] = None if found["out"] is None else tuple(json.loads(found["out"]))
    found["has_result"], found["is_taken"] = bool(found["has_result"]), bool(found["is_taken"])
    return JobRecord(**found)
