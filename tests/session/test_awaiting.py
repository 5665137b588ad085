"""A coroutine that waits for the loop thread."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from flash_jupyter.session.awaiting import awake, showing
from flash_jupyter.session.events import Notice, Phase


def test_a_signal_s_callback_that_wakes_no_loop_is_heard() -> None:
    async def wait() -> float:
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        signal.signal(signal.SIGUSR1, lambda *_: loop.call_soon(heard.set))
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGUSR1]).start()
        begun = loop.time()
        with awake():
            await asyncio.wait_for(heard.wait(), 60)  # whose own end would wake the loop too
        return loop.time() - begun

    before = signal.getsignal(signal.SIGUSR1)
    try:
        assert asyncio.run(wait()) < 30
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_no_timer_is_left_behind() -> None:
    async def wait() -> list[asyncio.TimerHandle]:
        with awake():
            await asyncio.sleep(0.5)
        loop = asyncio.get_running_loop()
        return [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]

    assert asyncio.run(wait()) == []


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
