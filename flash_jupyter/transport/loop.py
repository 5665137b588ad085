"""The one background thread on which all I/O happens (D7): an event loop, started when it is first needed.

The main thread waits for it synchronously: that is the wait which Kernel→Interrupt ends at once in every ipykernel. And
a deadline for work on it, and a thread for a single awaitable.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: what the end of the thread may take, in seconds
CLOSE_S = 5.0


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
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop


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
