"""Coroutines that wait hear an interrupt which wakes no loop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import weakref
from collections.abc import Callable

from flash_jupyter.session.awake import HEARD_WITHIN_S, awake


def heard_after_s(before: Callable[[], None] = lambda: None) -> float:
    """Seconds until a waiting coroutine hears a signal's callback that wakes no loop; `before` is done first."""

    async def wait() -> float:
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        signal.signal(signal.SIGUSR1, lambda *_: loop.call_soon(heard.set))
        begun = loop.time()
        with awake():
            before()
            threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGUSR1]).start()
            await asyncio.wait_for(heard.wait(), 60)  # whose own end would wake the loop too
        return loop.time() - begun

    handler = signal.getsignal(signal.SIGUSR1)
    try:
        return asyncio.run(wait())
    finally:
        signal.signal(signal.SIGUSR1, handler)


def test_a_signal_s_callback_that_wakes_no_loop_is_heard() -> None:
    assert heard_after_s() < 30


def test_who_goes_on_waiting_still_hears_when_another_one_is_done() -> None:
    def wait_and_end() -> None:
        with awake():
            pass

    assert heard_after_s(wait_and_end) < 30


def test_no_timer_is_left_behind() -> None:
    async def wait() -> list[asyncio.TimerHandle]:
        with awake():
            await asyncio.sleep(0.5)
        loop = asyncio.get_running_loop()
        return [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]

    assert asyncio.run(wait()) == []


def test_who_comes_after_an_interrupt_that_stopped_the_timer_listens_again() -> None:
    async def wait() -> int:
        loop = asyncio.get_running_loop()
        call_later, ticks = loop.call_later, 0

        def interrupted(*_: object, **__: object) -> asyncio.TimerHandle:
            raise KeyboardInterrupt

        def counted(delay: float, callback: Callable[..., None], *args: object) -> asyncio.TimerHandle:
            nonlocal ticks
            ticks += delay == HEARD_WITHIN_S
            return call_later(delay, callback, *args)

        loop.call_later = interrupted  # type: ignore[method-assign]
        try:
            with awake():
                pass
        except KeyboardInterrupt:
            pass
        loop.call_later = counted  # type: ignore[method-assign, assignment]
        with awake():
            await asyncio.sleep(0.5)
        before = ticks
        await asyncio.sleep(0.5)
        assert ticks == before  # nobody waits, nothing ticks
        return ticks

    assert asyncio.run(wait()) >= 2


def test_a_loop_on_which_somebody_waited_is_not_kept() -> None:
    async def wait() -> weakref.ref[asyncio.AbstractEventLoop]:
        with awake():
            return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(wait())
    gc.collect()
    assert loop() is None
