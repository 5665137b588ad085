"""The rounds of the collector: whose jobs are looked after, how often, and what is left alone."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

from jupyter_user import User, until

from flash_jupyter.server.collecting import JOBS_A_ROUND, Collecting
from flash_jupyter.session.collect import collector_lock
from flash_jupyter.session.owner import new_session_id
from flash_jupyter.session.records import utc_now
from flash_jupyter.states import JobState


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(timezone.utc)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def dead_session() -> str:
    """What names a session whose process has ended."""
    host, _pid, created, chance = new_session_id().split(":")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{host}:{process.pid}:{created}:{chance}"


def collecting(user: User, **options: Any) -> tuple[Collecting, Any]:
    desk = user.desk()
    return Collecting(desk, logging.getLogger("test"), **options), desk


def left(user: User, job_id: str, session: str, **changes: Any) -> None:
    """Write down an open job that a kernel has left on the made up platform."""
    if not user.platform.endpoints:
        user.platform.add({"name": "trainer", "type": "QUEUE", "gpu": {"pools": ["ADA_24"]}})
    fields: dict[str, Any] = {"platform_id": f"p-{job_id}", "endpoint_id": "ep1", "name": "trainer"}
    user.job(job_id, state=JobState.IN_PROGRESS, session=session, created_at=utc_now(), **{**fields, **changes})


async def test_the_end_of_a_job_that_a_dead_kernel_left_is_stored(user: User) -> None:
    left(user, "fj-1", dead_session())
    user.platform.statuses = [{"status": "TIMED_OUT", "error": "execution timeout"}]
    rounds, desk = collecting(user)
    await rounds.round()
    record = user.store.find("fj-1")
    assert record.state is JobState.TIMED_OUT
    assert record.finished_at
    await desk.close()


async def test_one_that_never_was_sent_is_over_too(user: User) -> None:
    left(user, "fj-1", dead_session(), platform_id=None)
    rounds, desk = collecting(user)
    await rounds.round()
    assert user.store.find("fj-1").error == "its kernel ended before it was sent; nothing ran"
    await desk.close()


async def test_a_job_whose_kernel_lives_is_its_kernels(user: User) -> None:
    left(user, "fj-1", new_session_id())
    rounds, desk = collecting(user)
    await rounds.round()
    assert user.platform.calls == []
    assert user.services == [], "no client is made for it"
    await desk.close()


async def test_a_job_that_its_own_collector_follows_is_left_to_it(user: User) -> None:
    session = dead_session()
    left(user, "fj-1", session)
    rounds, desk = collecting(user)
    with collector_lock(user.settings, session):
        await rounds.round()
    assert user.platform.calls == []
    await desk.close()


async def test_one_that_runs_on_is_looked_at_ever_less_often(user: User) -> None:
    left(user, "fj-1", dead_session())
    user.platform.statuses = [{"status": "IN_PROGRESS"}]
    clock = Clock()
    rounds, desk = collecting(user, now=clock)
    looks = []
    for _ in range(12):
        await rounds.round()
        looks.append(user.platform.calls.count("status"))
        clock.advance(20)
    assert looks == [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4]
    assert user.store.find("fj-1").seen_at
    await desk.close()


async def test_only_so_many_are_looked_at_in_a_round(user: User) -> None:
    session = dead_session()
    for number in range(JOBS_A_ROUND + 2):
        left(user, f"fj-{number}", session)
    user.platform.statuses = [{"status": "IN_PROGRESS"}]
    rounds, desk = collecting(user, now=Clock())
    await rounds.round()
    assert user.platform.calls.count("status") == JOBS_A_ROUND
    await rounds.round()
    assert user.platform.calls.count("status") == JOBS_A_ROUND + 2
    await desk.close()


async def test_a_job_whose_endpoint_is_not_found_stays_as_it_is(user: User) -> None:
    """The key of this server may be of another account than the kernel's was."""
    left(user, "fj-1", dead_session(), endpoint_id="elsewhere")
    rounds, desk = collecting(user)
    await rounds.round()
    assert user.store.find("fj-1").state is JobState.IN_PROGRESS
    await desk.close()


async def test_jobs_of_an_embedded_runpod_that_does_not_run_wait_for_it(user: User) -> None:
    left(user, "fj-1", dead_session(), backend="local")
    rounds, desk = collecting(user)
    await rounds.round()
    assert user.store.find("fj-1").state is JobState.IN_PROGRESS
    assert not user.settings.local_dir.exists(), "it is not started for it"
    await desk.close()


async def test_the_rounds_go_on_after_one_that_failed(user: User, caplog: Any) -> None:
    rounds, desk = collecting(user, first_s=0.0, round_s=0.01)
    readings = []

    def read(_folder: object) -> object:
        readings.append(1)
        if len(readings) == 1:
            raise ValueError("with a key-0123456789 in it")
        return user.settings

    desk._read = read
    rounds.start()
    await until(lambda: len(readings) > 3)
    await rounds.stop()
    assert "a round of the collector failed: ValueError" in caplog.text
    assert "key-0123456789" not in caplog.text
    await desk.close()


async def test_where_there_is_no_store_none_is_made(user: User) -> None:
    user.store.close()
    rounds, desk = collecting(user)
    await rounds.round()
    assert not user.settings.job_store.exists()
    await desk.close()
