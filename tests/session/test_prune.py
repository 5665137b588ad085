"""What is kept of jobs that are over, for how long and how much; open jobs keep all."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.prune import EVERY_S, Pruned, is_due, prune
from flash_jupyter.session.records import JobRecord
from flash_jupyter.states import JobState

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
DAY_S = 86_400


class Desk:
    """A store with a job a day: the first is the oldest, each with an answer and a log of 100 bytes each."""

    def __init__(self, folder: Path) -> None:
        self.path, self.logs = folder / "jobs.sqlite", folder / "logs"
        self.logs.mkdir()
        self.store = JobStore(self.path)

    def add(self, name: str, days_ago: float, state: JobState = JobState.COMPLETED) -> None:
        at = (NOW - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.store.insert(JobRecord(name, JobState.IN_QUEUE, "local", at))
        (self.logs / f"{name}.log").write_text("l" * 100)
        if state.is_final:
            self.store.finish(name, state, answer=b"a" * 100)
        self.store.update(name, state=state, finished_at=at if state.is_final else None)

    def prune(self, *, keep_days: float = 365, keep_bytes: float = 1e9) -> Pruned:
        return prune(self.path, self.logs, keep_s=keep_days * DAY_S, keep_bytes=keep_bytes, now=NOW)

    def left(self) -> dict[str, tuple[bool, bool]]:
        """The jobs, with whether each has an answer and a log."""
        return {
            job.id: (self.store.answer(job.id) is not None, (self.logs / f"{job.id}.log").exists())
            for job in self.store.newest()
        }


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    for days in (1, 20, 40):
        desk.add(f"fj-{days}", days)
    return desk


def test_what_is_old_goes_with_all_it_had(desk: Desk) -> None:
    assert desk.prune(keep_days=30) == Pruned(records=1)
    assert desk.left() == {"fj-1": (True, True), "fj-20": (True, True)}
    assert sorted(path.name for path in desk.logs.iterdir()) == ["fj-1.log", "fj-20.log"]
    assert desk.prune(keep_days=30) == Pruned()


def test_what_is_too_much_goes_oldest_first_and_leaves_its_record(desk: Desk) -> None:
    assert desk.prune(keep_bytes=450) == Pruned(answers=1)
    assert desk.left() == {"fj-1": (True, True), "fj-20": (True, True), "fj-40": (False, False)}
    assert not desk.store.find("fj-40").has_result
    assert desk.prune(keep_bytes=450) == Pruned(), "what has nothing left is not pruned again"


@pytest.mark.parametrize("state", [JobState.IN_QUEUE, JobState.IN_PROGRESS])
def test_an_open_job_keeps_all_however_old_it_is(desk: Desk, state: JobState) -> None:
    desk.add("fj-open", 400, state)
    desk.store._execute("INSERT INTO results VALUES ('fj-open', x'00')", [])
    desk.prune(keep_days=1, keep_bytes=0)
    assert desk.left()["fj-open"] == (True, True)


def test_old_logs_without_a_record_go(desk: Desk) -> None:
    for name, days in (("fj-lost", 40), ("fj-new", 1), ("notes", 40)):
        path = desk.logs / f"{name}.log"
        path.write_text("")
        at = NOW.timestamp() - days * DAY_S
        os.utime(path, (at, at))
    desk.prune(keep_days=30)
    assert sorted(path.stem for path in desk.logs.iterdir()) == ["fj-1", "fj-20", "fj-new", "notes"]


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    assert prune(tmp_path / "none", tmp_path, keep_s=1, keep_bytes=1, now=NOW) == Pruned()


def test_it_is_due_once_a_day(tmp_path: Path) -> None:
    mark, now = tmp_path / "home" / "pruned", datetime.now(timezone.utc)
    assert is_due(mark, now)
    assert not is_due(mark, now)
    assert is_due(mark, now + timedelta(seconds=EVERY_S + 5))
