"""The one background thread on which all I/O happens (D7): an event loop, started when it is first needed.

The main thread waits for it synchronously: that is the wait which Kernel→Interrupt ends at once in every ipykernel. And
a deadline for work on it, and a thread for a single awaitable.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: what the end of the thread may take, in seconds
CLOSE_S = 5.0
#: a thread that calls the loop again and again lets it run after so long
PATIENCE_S = 0.001
#: after this a call is not counted on any more: an interrupt may have come before it woke the loop
LOST_S = 0.02


class LoopThread:
    """An event loop on a daemon thread. `close` ends it; after that it can't be used again."""

    def __init__(self, name: str = "flash_jupyter") -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine over there; the future may be waited for, or cancelled."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._started())

    def call(self, coroutine: Coroutine[Any, Any, T], *, timeout_s: float | None = None) -> T:
        """Run a coroutine over there and wait for its result; an interrupt cancels it."""
        future = self.submit(coroutine)
        try:
            return future.result(timeout_s)
        except BaseException:
            future.cancel()
            raise

    def close(self, cleanup: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Run `cleanup` over there, cancel what is left, and end the thread; may be called again."""
        with self._lock:
            loop, thread, self._closed = self._loop, self._thread, True
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        if cleanup is not None:
            with contextlib.suppress(Exception):  # nobody could do anything about it now
                asyncio.run_coroutine_threadsafe(cleanup(), loop).result(CLOSE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CLOSE_S)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise RuntimeError("this session is closed")
            if self._loop is None:
                self._loop = _Loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop


class _Loop(asyncio.SelectorEventLoop):
    """A loop that is woken once for what comes from other threads in one turn: a hundred calls may begin at once."""

    _is_called = False
    _called_at = 0.0

    def call_soon_threadsafe(  # type: ignore[override]  # simpler types than typeshed's
        self, callback: Callable[..., Any], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """As the base has it."""
        if self.get_debug() or self.is_closed():  # these are to be told of mistakes
            return super().call_soon_threadsafe(callback, *args, context=context)
        handle = self.call_soon(callback, *args, context=context)
        waited_s = time.monotonic() - self._called_at
        if not self._is_called or waited_s > LOST_S:
            try:
                self._is_called, self._called_at = True, time.monotonic()
                super().call_soon_threadsafe(self._hear)
            except BaseException:  # an interrupt: whoever calls next has to wake it
                self._is_called = False
                raise
        elif waited_s > PATIENCE_S:
            time.sleep(0)  # it waits for the interpreter's lock, which a thread that calls on and on keeps for 5 ms
        return handle

    def _hear(self) -> None:
        self._is_called = False


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def done(future: concurrent.futures.Future[Any]) -> None:
    """Wait in a coroutine until another thread's work is over, however; who stops waiting leaves it alone."""
    if future.done():
        return
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()
    bell = _bells.get(loop)
    if bell is None:
        bell = _bells[loop] = _Bell(loop)
    future.add_done_callback(lambda _: bell.ring(waiter))
    await waiter


class _Bell:
    """Wakes those who wait on one loop for other threads; the loop itself once for all that ends in one turn of it.

    An interrupt may come anywhere on the loop's own thread: after it somebody may be woken once too often, and nobody
    once too seldom.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._over: deque[asyncio.Future[None]] = deque()
        self._lock = threading.Lock()
        self._is_rung = False

    def ring(self, waiter: asyncio.Future[None]) -> None:
        """End somebody's wait; on any thread."""
        self._over.append(waiter)
        loop = self._loop()
        with self._lock, contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            if not self._is_rung and loop is not None:
                loop.call_soon_threadsafe(self._end_all)
                self._is_rung = True

    def _end_all(self) -> None:
        with self._lock:
            self._is_rung = False
        try:
            while self._over:
                if not self._over[0].done():
                    self._over[0].set_result(None)
                self._over.popleft()
        finally:
            if self._over and (loop := self._loop()) is not None:
                loop.call_soon(self._end_all)


#: one for each loop that somebody waits on
_bells: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Bell] = weakref.WeakKeyDictionary()


async def within(awaitable: Awaitable[T], seconds: float | None) -> T:
    """Return the result, or cancel the work and raise `asyncio.TimeoutError` after so many seconds; None: never.

    It loses no cancellation. `asyncio.wait_for` does before Python 3.12, where its work ends in the same moment
    (python/cpython issue 86296): a deploy that was interrupted would go on to its end.
    """
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _stopped(task)
        raise
    if not task.done():
        await _stopped(task)
        raise asyncio.TimeoutError
    return task.result()


async def _stopped(task: asyncio.Future[T]) -> None:
    """Cancel and wait for the end; what came of it is of no interest any more."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # else its loop complains that nobody looked


def run_aside(awaitable: Awaitable[T]) -> T:
    """Wait for something awaitable on a loop and a thread of its own: in a notebook this thread's loop is busy."""
    outcome: concurrent.futures.Future[T] = concurrent.futures.Future()

    async def wait() -> T:
        return await awaitable

    def work() -> None:
        try:
            outcome.set_result(asyncio.run(wait()))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return outcome.result()
