"""Which open jobs are nobody's any more."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.owner import abandoned_jobs, new_session_id
from flash_jupyter.session.records import JobRecord
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def test_those_of_kernels_that_have_ended_and_that_a_platform_may_still_know(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path, "ann", "local")
    store = JobStore(settings.job_store)
    host = new_session_id().partition(":")[0]
    dead = f"{host}:1:1.00:abc"
    rows = {
        "fj-open": (JobState.IN_PROGRESS, dead, "2026-11-22T10:00:00.000Z"),
        "fj-nobodys": (JobState.IN_QUEUE, None, "2026-11-22T11:00:00.000Z"),
        "fj-over": (JobState.COMPLETED, dead, "2026-11-22T10:00:00.000Z"),
        "fj-ours": (JobState.IN_PROGRESS, new_session_id(), "2026-11-22T10:00:00.000Z"),
        "fj-long-ago": (JobState.IN_PROGRESS, dead, "2026-11-01T10:00:00.000Z"),
    }
    for job_id, (state, session, created_at) in rows.items():
        store.insert(JobRecord(job_id, state, "local", created_at, session=session))
    store.close()
    assert [job.id for job in abandoned_jobs(settings, NOW)] == ["fj-open", "fj-nobodys"]


def test_no_store_is_made_for_the_question(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path, "ann", "local")
    assert abandoned_jobs(settings, NOW) == []
    assert list(tmp_path.iterdir()) == []
