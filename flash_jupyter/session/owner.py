"""Which session a job belongs to, in a form that is still true when its pid belongs to another process.

Importing this brings no client along: who looks for jobs of dead kernels from time to time is light.
"""

from __future__ import annotations

import platform
import re
import secrets
from contextlib import closing
from datetime import datetime, timedelta, timezone

from flash_jupyter import limits
from flash_jupyter.processes import lives, mark_of_this
from flash_jupyter.quantities import read_time
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.records import SCRATCH, JobRecord
from flash_jupyter.settings import Settings

#: no platform knows a job that is older: its longest time in the queue, then its longest run
FORGOTTEN_S = limits.JOB_TTL_MAX_S + limits.EXECUTION_TIMEOUT_MAX_S
#: in the owner of what a scratch copy makes
SCRATCH_WORD = f"-{SCRATCH}"
_OF_SCRATCH = re.compile(rf"{SCRATCH_WORD}[0-9a-f]{{6}}$")


def new_session_id(owner: str = "") -> str:
    """Return what names a session among all of all machines: host, pid, create time of the process, and chance.

    One of a scratch copy's owner says that it is that.
    """
    kind = SCRATCH if _OF_SCRATCH.search(owner) else ""
    return f"{platform.node()}:{mark_of_this()}:{kind}{secrets.token_hex(3)}"


def scratch_owner(user: str) -> str:
    """Return whose endpoints those of one scratch copy are: what the user has stays, whatever its cells delete."""
    return f"{user}{SCRATCH_WORD}{secrets.token_hex(3)}"


def may_live(session_id: str) -> bool:
    """Whether a session's process runs, as far as can be seen from here: one of another host is taken to be alive."""
    host, _, rest = session_id.partition(":")
    pid, _, created = rest.rpartition(":")[0].partition(":")
    if not pid.isdigit():
        return False  # an older version's job, which names none
    if host != platform.node():
        return True
    try:
        return lives(pid, created)
    except ValueError:
        return False


def abandoned_jobs(settings: Settings, now: datetime) -> list[JobRecord]:
    """Return the open jobs of kernels that have ended, oldest first; no store is made for the question."""
    if not settings.job_store.is_file():
        return []
    oldest = now.astimezone(timezone.utc) - timedelta(seconds=FORGOTTEN_S)
    with closing(JobStore(settings.job_store)) as store:
        return [job for job in store.open_jobs() if not may_live(job.session or "") and _is_since(job, oldest)]


def _is_since(job: JobRecord, oldest: datetime) -> bool:
    created = read_time(job.created_at)
    return created is not None and created >= oldest
