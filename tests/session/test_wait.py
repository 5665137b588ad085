from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import Future

import pytest

from flash_jupyter.errors import FlashError, JobError
from flash_jupyter.session.events import Event, Notice, Phase, Stream
from flash_jupyter.session.submitting import JobCancelled
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


def test_an_interrupt_ends_the_wait_at_once_and_cancels() -> None:
    inbox, future, seen = opened()
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        wait_for(inbox, seen.append, cancel=lambda: future.set_exception(JobCancelled()), job_id="fj-1")
    assert seen == [Phase("cancelled", "job fj-1")]


def test_output_that_comes_while_it_is_cancelled_is_shown() -> None:
    inbox, future, seen = opened()

    def cancel() -> None:
        inbox.put(Stream("stdout", "last words"))
        future.set_exception(JobCancelled())

    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        wait_for(inbox, seen.append, cancel=cancel, job_id="fj-1")
    assert seen == [Stream("stdout", "last words"), Phase("cancelled", "job fj-1")]


def test_a_job_that_was_quicker_than_the_interrupt() -> None:
    inbox, future, seen = opened()
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        wait_for(inbox, seen.append, cancel=lambda: future.set_result(1), job_id="fj-1")
    assert seen == [
        Phase("cancelled", "too late, the job was done"),
        Notice("job fj-1 was done before it could be cancelled; take its result with %flash attach fj-1"),
    ]


def test_a_platform_that_does_not_confirm_is_said() -> None:
    inbox, _, seen = opened()
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        wait_for(inbox, seen.append, cancel=lambda: None, job_id="fj-1", confirm_s=0.05)
    assert seen == [Notice("job fj-1: the cancellation is not confirmed yet; look at it with %flash jobs")]


def test_an_interrupted_attach_leaves_the_job_alone() -> None:
    inbox, future, seen = opened()
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        wait_for(inbox, seen.append, cancel=None, job_id="fj-1")
    assert seen == []
    assert not future.done()


def test_cancelled_from_elsewhere_is_a_job_error() -> None:
    inbox, future, seen = opened()
    future.set_exception(JobCancelled())
    with pytest.raises(JobError, match="the job was cancelled"):
        wait_for(inbox, seen.append, cancel=None, job_id="fj-1")


def test_a_session_that_is_closed_meanwhile() -> None:
    inbox, future, seen = opened()
    future.cancel()
    with pytest.raises(FlashError, match="the session was closed while job fj-1 ran; the job goes on"):
        wait_for(inbox, seen.append, cancel=None, job_id="fj-1")
