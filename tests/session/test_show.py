"""What remote functions show of a wait in a script; a journey looks at the notebook."""

from __future__ import annotations

import asyncio

import pytest

from flash_jupyter.session.events import Clear, Display, Event, Measured, Notice, Phase, Sent, Stream, Waiting
from flash_jupyter.session.show import is_shown, show, showing


def test_in_a_script_each_reason_is_one_line_for_all_calls(capsys: pytest.CaptureFixture[str]) -> None:
    for text, cause in [("a worker starts", "starting")] * 3 + [
        ("it says: 10 %", "starting"),
        ("all are busy", "busy"),
    ]:
        show(Waiting(text, "wait", cause, "script-1"))
    show(Waiting("", "", wait="script-1"))
    assert capsys.readouterr().err == "waiting: a worker starts → wait\nwaiting: all are busy → wait\n"


def test_a_call_that_still_waits_when_another_one_has_begun_says_nothing_new(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(Waiting("a worker starts", "wait", "starting", "script-5"))
    show(Waiting("", "", wait="script-5"))
    show(Waiting("a worker starts", "wait", "starting", "script-5"))
    assert capsys.readouterr().err == "waiting: a worker starts → wait\n"


def test_another_wait_is_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    show(Waiting("a worker starts", "wait", "starting", "script-2"))
    show(Waiting("a worker starts", "wait", "starting", "script-3"))
    assert capsys.readouterr().err == "waiting: a worker starts → wait\n" * 2


def test_the_end_of_a_wait_that_was_not_told_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    show(Waiting("", "", wait="script-4"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "event",
    [Stream("stdout", "hi"), Display({}), Clear(), Notice("n"), Waiting("", "")],
    ids=lambda event: type(event).__name__,
)
def test_what_a_job_says_wakes_who_shows_it(event: Event) -> None:
    assert is_shown(event)


@pytest.mark.parametrize("event", [Phase("queue"), Measured()], ids=lambda event: type(event).__name__)
def test_stations_on_the_way_wake_nobody(event: Event) -> None:
    assert not is_shown(event)


def test_only_the_first_job_of_an_endpoint_wakes_who_shows_where_it_goes() -> None:
    sent = Sent("local", "only-the-first")
    assert is_shown(sent)
    show(sent)
    assert not is_shown(sent)


def test_what_a_job_says_is_shown_on_the_coroutine_s_loop(capsys: pytest.CaptureFixture[str]) -> None:
    async def tell() -> None:
        said = showing()
        await asyncio.to_thread(said, Notice("a word"))
        await asyncio.to_thread(said, Phase("queue"))
        await asyncio.sleep(0.01)

    asyncio.run(tell())
    assert capsys.readouterr().err.count("a word") == 1


def test_a_loop_that_is_closed_shows_nothing() -> None:
    async def tell() -> object:
        return showing()

    said = asyncio.run(tell())
    assert callable(said)
    said(Notice("nobody looks any more"))
