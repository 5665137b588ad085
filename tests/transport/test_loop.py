from __future__ import annotations

import asyncio
import gc
import sys
import threading
import weakref
from concurrent.futures import Future
from typing import Any

import pytest

from flash_jupyter.transport.loop import LoopThread, _Bell, _Loop, done, within


def test_a_result_in_time_is_returned_and_a_failure_is_raised() -> None:
    async def check() -> None:
        async def fail() -> None:
            raise ValueError("bad")

        assert await within(asyncio.sleep(0, "done"), 60) == "done"
        assert await within(asyncio.sleep(0, "done"), None) == "done"
        with pytest.raises(ValueError, match="bad"):
            await within(fail(), 60)

    asyncio.run(check())


def test_what_takes_longer_is_cancelled() -> None:
    async def check() -> None:
        ended = asyncio.Event()

        async def long() -> None:
            try:
                await asyncio.sleep(600)
            finally:
                ended.set()

        with pytest.raises(asyncio.TimeoutError):
            await within(long(), 0.01)
        assert ended.is_set()

    asyncio.run(check())


def test_a_cancellation_in_the_moment_of_the_result_is_not_lost() -> None:
    async def check() -> None:
        answer = asyncio.get_running_loop().create_future()
        waiting = asyncio.ensure_future(within(answer, 60))
        await asyncio.sleep(0)
        answer.set_result("here")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(check())


async def where() -> str:
    return threading.current_thread().name


def test_nothing_is_started_before_use() -> None:
    before = threading.active_count()
    LoopThread("quiet").close()
    assert threading.active_count() == before


def test_coroutines_run_on_the_one_thread() -> None:
    loop = LoopThread("worker of the test")
    assert {loop.call(where()), loop.submit(where()).result(5)} == {"worker of the test"}
    loop.close()


def test_an_exception_comes_back() -> None:
    async def fail() -> None:
        raise KeyError("k")

    loop = LoopThread()
    with pytest.raises(KeyError):
        loop.call(fail())
    loop.close()


def test_close_cleans_up_cancels_and_may_be_repeated() -> None:
    seen: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("cancelled")

    async def cleanup() -> None:
        seen.append("cleaned")

    loop = LoopThread()
    future = loop.submit(endless())
    loop.call(asyncio.sleep(0))
    loop.close(cleanup)
    loop.close(cleanup)
    assert seen == ["cleaned", "cancelled"]
    assert future.cancelled()


def test_a_closed_loop_refuses() -> None:
    loop = LoopThread()
    loop.close()
    coroutine = where()
    with pytest.raises(RuntimeError, match="this session is closed"):
        loop.submit(coroutine)
    coroutine.close()


def test_many_ends_on_another_thread_are_heard_here() -> None:
    async def check() -> None:
        futures = [Future[int]() for _ in range(100)]

        def end_all() -> None:
            for future in futures:
                future.set_result(0)

        thread = threading.Thread(target=end_all)
        waiting = asyncio.gather(*map(done, futures))
        thread.start()
        await within(waiting, 10)
        thread.join()
        await within(done(futures[0]), 10)  # of one that is over already

    asyncio.run(check())


def test_a_failure_is_an_end_and_who_stops_waiting_leaves_the_work_alone() -> None:
    async def check() -> None:
        failed, open_ = Future[int](), Future[int]()
        failed.set_exception(ValueError("bad"))
        await within(done(failed), 10)
        with pytest.raises(asyncio.TimeoutError):
            await within(done(open_), 0.01)
        open_.set_result(1)  # nobody waits any more
        assert not open_.cancelled()
        await asyncio.sleep(0)

    asyncio.run(check())


def test_a_loop_is_woken_once_for_all_that_ended_while_it_was_busy() -> None:
    class Counting(asyncio.SelectorEventLoop):
        woken = 0

        def call_soon_threadsafe(self, *args: Any, **named: Any) -> asyncio.Handle:  # type: ignore[override]
            self.woken += 1
            return super().call_soon_threadsafe(*args, **named)

    async def check() -> int:
        futures = [Future[int]() for _ in range(100)]
        waiting = [asyncio.ensure_future(done(future)) for future in futures]
        await asyncio.sleep(0)

        def end_all() -> None:
            for future in futures:
                future.set_result(0)

        thread = threading.Thread(target=end_all)
        thread.start()
        thread.join()  # this loop does nothing meanwhile
        await within(asyncio.gather(*waiting), 10)
        return loop.woken

    loop = Counting()
    assert loop.run_until_complete(check()) == 1
    loop.close()


def test_two_threads_that_end_something_at_once_leave_nobody_waiting() -> None:
    async def check(rounds: int) -> None:
        for _ in range(rounds):
            futures = [Future[int](), Future[int]()]
            waiting = [asyncio.ensure_future(done(future)) for future in futures]
            await asyncio.sleep(0)
            together = threading.Barrier(2)

            def end(future: Future[int], together: threading.Barrier = together) -> None:
                together.wait()
                future.set_result(0)

            threads = [threading.Thread(target=end, args=[future]) for future in futures]
            for thread in threads:
                thread.start()
            await within(asyncio.gather(*waiting), 10)
            for thread in threads:
                thread.join()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        asyncio.run(check(1000))
    finally:
        sys.setswitchinterval(before)


def test_an_interrupt_of_the_loop_leaves_nobody_waiting() -> None:
    class Interrupted(asyncio.Future[None]):
        is_first = True

        def set_result(self, result: None) -> None:
            if self.is_first:
                self.is_first = False
                raise KeyboardInterrupt
            super().set_result(result)

    loop = asyncio.new_event_loop()
    bell = _Bell(loop)
    waiters = [loop.create_future(), Interrupted(loop=loop), loop.create_future()]
    for waiter in waiters:
        bell.ring(waiter)
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(asyncio.sleep(0.01))
    loop.run_until_complete(within(asyncio.wait(waiters), 10))
    last = loop.create_future()
    bell.ring(last)
    loop.run_until_complete(within(last, 10))
    loop.close()


def test_an_end_after_the_loop_is_no_failure() -> None:
    async def check() -> Future[int]:
        future = Future[int]()
        waiting = asyncio.ensure_future(done(future))
        await asyncio.sleep(0)
        waiting.cancel()
        return future

    asyncio.run(check()).set_result(1)


def test_a_loop_that_waited_is_not_kept() -> None:
    async def check() -> weakref.ref[asyncio.AbstractEventLoop]:
        future = Future[int]()
        threading.Timer(0.01, future.set_result, [1]).start()
        await done(future)
        return weakref.ref(asyncio.get_running_loop())

    loop = asyncio.run(check())
    gc.collect()
    assert loop() is None


def test_many_calls_from_another_thread_are_all_made() -> None:
    loop = LoopThread()

    async def give(number: int) -> int:
        return number

    futures = [loop.submit(give(number)) for number in range(1000)]
    assert [future.result(10) for future in futures] == list(range(1000))
    loop.close()


def test_a_loop_is_woken_once_for_what_comes_while_it_is_busy() -> None:
    class Counted(_Loop):
        heard = 0

        def _hear(self) -> None:
            super()._hear()
            self.heard += 1

    loop, made = Counted(), list[int]()
    for number in range(100):
        loop.call_soon_threadsafe(made.append, number)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert made == list(range(100))
    assert loop.heard < 20


def test_a_loop_that_was_not_woken_is_woken_by_the_next_call() -> None:
    loop = LoopThread()
    inner = loop._started()
    assert isinstance(inner, _Loop)
    inner._is_called, inner._called_at = True, 0.0  # as an interrupt leaves it that came before the wake-up
    assert loop.submit(where()).result(10)
    loop.close()
