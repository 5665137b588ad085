"""Cancels that a real embedded Runpod refuses for too many: a record comes to its end with its job, whatever they do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flash_jupyter.session.local_admin import LocalAdmin
from flash_jupyter.session.session import Session
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState

Script = Callable[..., dict[str, Any]]


@pytest.fixture
def admin(local_settings: Settings, session: Session, script: Script) -> Iterator[LocalAdmin]:
    """The embedded Runpod, which runs and has a worker; its faults go with the test."""
    script("@remote()\ndef f(): pass")["f"].remote()
    session.links.open("local").cancels.clear()  # the test before was told how long to wait
    admin = LocalAdmin(local_settings)
    yield admin
    admin.clear_faults()


def cancelled(call: Any, *, after_s: float = 0.5) -> tuple[str, float]:
    """Cancel an awaited call; returns what it said, and how many seconds that took."""
    said: list[str] = []

    async def wait() -> None:
        try:
            await call()
        except asyncio.CancelledError as error:  # whoever awaits the task hears nothing of it in Python 3.10
            said.append(str(error))
            raise

    async def main() -> float:
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(after_s)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    took_s = asyncio.run(main())
    return said[0], took_s


def test_a_call_that_was_just_being_sent_is_followed_while_its_cancel_waits(
    script: Script, session: Session, admin: LocalAdmin
) -> None:
    f = script("@remote()\ndef f(): return 1")["f"]
    admin.set_fault("latency", route="run", seconds=1)
    admin.set_fault("429", route="cancel", seconds=20)
    said, took_s = cancelled(f)
    job = session.jobs()[0]
    assert said == f"too late to cancel, the job was done; take its result with %flash attach {job.id}"
    assert (job.state, took_s < 6) == (JobState.COMPLETED, True)


def test_nor_is_the_end_of_a_running_one_waited_for_any_longer(
    script: Script, session: Session, admin: LocalAdmin
) -> None:
    f = script("import time\n@remote()\ndef f(): time.sleep(1.5)")["f"]
    admin.set_fault("429", route="cancel", seconds=20)
    said, took_s = cancelled(f)
    assert said.startswith("too late to cancel, the job was done")
    assert (session.jobs()[0].state, took_s < 6) == (JobState.COMPLETED, True)


def test_a_cancel_is_sent_until_it_is_taken(script: Script, session: Session, admin: LocalAdmin) -> None:
    f = script("import time\n@remote()\ndef f(): time.sleep(60)")["f"]
    admin.set_fault("429", route="cancel", seconds=1, times=5)
    said, _ = cancelled(f, after_s=1.0)
    assert said.startswith("cancelled")
    assert session.jobs()[0].state is JobState.CANCELLED


def test_what_the_platform_would_not_take_yet_is_not_sent_after_a_cancel(
    script: Script, session: Session, admin: LocalAdmin
) -> None:
    f = script("@remote()\ndef f(): return 1")["f"]
    admin.set_fault("429", route="run", seconds=5)
    said, took_s = cancelled(f)
    assert said == "cancelled before it was sent"
    assert took_s < 4
    assert (session.jobs()[0].state, session.jobs()[0].platform_id) == (JobState.CANCELLED, None)
