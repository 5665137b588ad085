"""Work over there that tells and asks here: order, answers, and what an interrupt leaves time for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from flash_jupyter.cli.work import INTERRUPTED, Work
from flash_jupyter.transport.loop import LoopThread


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    thread = LoopThread("test work")
    yield thread
    thread.close()


def test_news_and_questions_are_heard_on_the_thread_that_waits(loop: LoopThread) -> None:
    heard: list[str] = []
    work: Work[str, str] = Work(loop, tell=heard.append, ask=lambda about: about == "may I?", told=heard.append)

    async def do() -> tuple[bool, bool]:
        work.report("begun")
        return await asyncio.to_thread(work.allow, "may I?"), await asyncio.to_thread(work.allow, "and this?")

    assert work.run(do()) == (True, False)
    assert heard == ["begun"]


def test_an_error_is_the_works_own(loop: LoopThread) -> None:
    work: Work[str, str] = Work(loop, tell=lambda _: None, ask=lambda _: True, told=lambda _: None)

    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work.run(fail())


def test_an_interrupt_waits_until_what_was_begun_is_taken_back(loop: LoopThread) -> None:
    heard: list[str] = []

    def interrupt(news: str) -> None:
        heard.append(news)
        if news == "begun":
            raise KeyboardInterrupt

    work: Work[str, str] = Work(loop, tell=interrupt, ask=lambda _: True, told=heard.append)

    async def do() -> None:
        try:
            work.report("begun")
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            work.report("taken back")

    with pytest.raises(KeyboardInterrupt):
        work.run(do())
    assert heard == ["begun", INTERRUPTED, "taken back"]


def test_a_question_that_is_interrupted_is_answered_with_no_and_so_are_later_ones(loop: LoopThread) -> None:
    answers: list[bool] = []

    def interrupt(_about: str) -> bool:
        raise KeyboardInterrupt

    work: Work[str, str] = Work(loop, tell=lambda _: None, ask=interrupt, told=lambda _: None)

    async def do() -> None:
        answers.append(await asyncio.to_thread(work.allow, "first"))
        answers.append(await asyncio.to_thread(work.allow, "second"))

    async def stubborn() -> None:
        task = asyncio.ensure_future(do())
        try:
            await asyncio.shield(task)
        finally:
            await task

    with pytest.raises(KeyboardInterrupt):
        work.run(stubborn())
    assert answers == [False, False]


def test_work_that_was_through_when_the_interrupt_came_has_its_result(loop: LoopThread) -> None:
    def interrupt(_news: str) -> None:
        raise KeyboardInterrupt

    work: Work[str, str] = Work(loop, tell=interrupt, ask=lambda _: True, told=lambda _: None)

    async def do() -> int:
        work.report("done")
        return 7

    assert work.run(do()) == 7


def test_an_error_of_who_draws_ends_the_work_too(loop: LoopThread) -> None:
    ended: list[str] = []

    def fail(_news: str) -> None:
        raise RuntimeError("no terminal")

    work: Work[str, str] = Work(loop, tell=fail, ask=lambda _: True, told=lambda _: None)

    async def do() -> None:
        try:
            work.report("begun")
            await asyncio.sleep(60)
        finally:
            ended.append("ended")

    with pytest.raises(RuntimeError, match="no terminal"):
        work.run(do())
    assert ended == ["ended"]


def test_an_interrupt_as_the_work_ends_waits_for_nothing_more(loop: LoopThread) -> None:
    heard: list[str] = []

    def interrupt_late(news: str) -> None:
        heard.append(news)
        while not work.is_over:
            time.sleep(0.001)
        work._inbox.get()  # an interrupt right after the last word was taken, and before it was read
        raise KeyboardInterrupt

    work: Work[str, str] = Work(loop, tell=interrupt_late, ask=lambda _: True, told=heard.append)

    async def do() -> int:
        work.report("begun")
        return 7

    assert work.run(do()) == 7
    assert heard == ["begun", INTERRUPTED]


def test_a_second_interrupt_leaves_work_that_is_not_over(loop: LoopThread) -> None:
    def interrupt(_news: str) -> None:
        raise KeyboardInterrupt

    work: Work[str, str] = Work(loop, tell=interrupt, ask=lambda _: True, told=interrupt)
    ended = threading.Event()

    async def do() -> None:
        try:
            work.report("begun")
            await asyncio.sleep(60)
        finally:
            await asyncio.to_thread(ended.wait, 60)

    with pytest.raises(KeyboardInterrupt):
        work.run(do())
    assert not work.is_over
    ended.set()
