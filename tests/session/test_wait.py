from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from flash_jupyter.errors import FlashError, JobError
from flash_jupyter.session.cancelling import Cancellation, JobCancelled, Stop
from flash_jupyter.session.events import Event, Phase, Stream
from flash_jupyter.session.wait import Inbox, wait_for


def interrupt_soon() -> None:
    threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()


def opened() -> tuple[Inbox[int], Future[int], list[Event]]:
    inbox, future = Inbox[int](), Future[int]()
    inbox.end_with(future)
    return inbox, future, []


def test_events_come_in_order_and_then_the_result() -> None:
    inbox, future, seen = opened()
    for letter in "ab":
        inbox.put(Stream("stdout", letter))
    threading.Timer(0.05, future.set_result, [7]).start()
    assert wait_for(inbox, seen.append, cancel=None, job_id="fj-1") == 7
    assert seen == [Stream("stdout", "a"), Stream("stdout", "b")]


def test_a_failure_is_raised() -> None:
    inbox, future, seen = opened()
    future.set_exception(KeyError("k"))
    with pytest.raises(KeyError):
        wait_for(inbox, seen.append, cancel=None, job_id="fj-1")


STOPPED = Cancellation("fj-1", stop=Stop.GONE, ran_s=1.5)
CANCELLING = Phase("cancelling", "interrupt again to leave it alone")


def interrupted(inbox: Inbox[int], seen: list[Event], cancel: Callable[[], object] | None, **more: Any) -> str:
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt) as caught:
        wait_for(inbox, seen.append, cancel=cancel, job_id="fj-1", **more)
    return str(caught.value)


def test_an_interrupt_ends_the_wait_at_once_and_cancels() -> None:
    inbox, future, seen = opened()
    text = interrupted(inbox, seen, lambda: future.set_exception(JobCancelled(STOPPED)))
    assert (text, seen) == ("cancelled, worker stopped (ran 2 s)", [CANCELLING])


def test_output_that_comes_while_it_is_cancelled_is_shown() -> None:
    inbox, future, seen = opened()

    def cancel() -> None:
        inbox.put(Stream("stdout", "last words"))
        future.set_exception(JobCancelled(STOPPED))

    interrupted(inbox, seen, cancel)
    assert seen == [CANCELLING, Stream("stdout", "last words")]


def test_a_job_that_was_quicker_than_the_interrupt() -> None:
    inbox, future, seen = opened()
    text = interrupted(inbox, seen, lambda: future.set_result(1))
    assert text == "too late to cancel, the job was done; take its result with %flash attach fj-1"


def test_a_platform_that_does_not_confirm_is_said() -> None:
    inbox, _, seen = opened()
    left: list[str] = []
    text = interrupted(inbox, seen, lambda: None, confirm_s=0.05, leave=lambda: left.append("left"))
    assert left == ["left"]
    assert text == (
        "it is not confirmed that job fj-1 is cancelled; look at it with %flash jobs, "
        "or end its endpoint with all workers: %flash undeploy NAME"
    )


def test_a_second_interrupt_leaves_the_job() -> None:
    inbox, _, seen = opened()
    left: list[str] = []
    text = interrupted(inbox, seen, interrupt_soon, confirm_s=30, leave=lambda: left.append("left"))
    assert left == ["left"]
    assert text == "left while job fj-1 is being cancelled; see what became of it with %flash attach fj-1"


def test_without_a_cancel_the_job_goes_on() -> None:
    inbox, future, seen = opened()
    text = interrupted(inbox, seen, None)
    assert text == "the job goes on; see it again with %flash attach fj-1"
    assert seen == []
    assert not future.done()


def test_cancelled_from_elsewhere_is_a_job_error() -> None:
    inbox, future, seen = opened()
    future.set_exception(JobCancelled(STOPPED))
    with pytest.raises(JobError, match=r"the job was cancelled, worker stopped \(ran 2 s\)"):
        wait_for(inbox, seen.append, cancel=None, job_id="fj-1")


def test_a_session_that_is_closed_meanwhile() -> None:
    inbox, future, seen = opened()
    future.cancel()
    with pytest.raises(FlashError, match="the session was closed while job fj-1 ran; the job goes on"):
        wait_for(inbox, seen.append, cancel=None, job_id="fj-1")
