"""Work on the loop thread that tells and asks, while this thread waits; an interrupt lets it end what it has begun.

News and questions come to this thread: it is the one that draws, reads a terminal, and gets Ctrl-C.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from flash_jupyter.transport.loop import LoopThread

T = TypeVar("T")
News = TypeVar("News")
About = TypeVar("About")

INTERRUPTED = "interrupted: what was begun is brought to an end; once more, and it is left as it is"


class Work(Generic[News, About]):
    """One piece of work; `tell` draws its news, `ask` answers its questions, `told` says what an interrupt does."""

    def __init__(
        self,
        loop: LoopThread,
        *,
        tell: Callable[[News], None],
        ask: Callable[[About], bool],
        told: Callable[[str], None],
    ) -> None:
        self._loop, self._tell, self._ask, self._told = loop, tell, ask, told
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._task: asyncio.Task[Any] | None = None
        self._answer: concurrent.futures.Future[bool] | None = None
        self._is_interrupted = False
        #: whether the work has ended; after a second interrupt it may not have
        self.is_over = False

    def report(self, news: News) -> None:
        """Tell something, from any thread; returns at once."""
        self._inbox.put(lambda: self._tell(news))

    def allow(self, about: About) -> bool:
        """Ask, from any thread but the one that waits, and wait for the answer; after an interrupt it is no."""
        answer = self._answer = concurrent.futures.Future[bool]()
        if self._is_interrupted:
            return False

        def put() -> None:
            if not answer.done():
                answer.set_result(self._ask(about))

        self._inbox.put(put)
        return answer.result()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for the result. An interrupt cancels the work and waits for its end; a second one does not wait.

        Raises `KeyboardInterrupt` once the work has ended, unless it was through by then.
        """
        outcome = concurrent.futures.Future[T]()

        async def work() -> None:
            self._task = asyncio.current_task()
            try:
                outcome.set_result(await coroutine)
            except BaseException as failure:
                outcome.set_exception(failure)
            finally:
                self._end()

        try:
            self._loop.submit(work())
            self._serve()
        except BaseException as stopped:
            self._stop(outcome)
            if not isinstance(stopped, KeyboardInterrupt):
                self._serve()
                raise
            self._told(INTERRUPTED)
            self._serve()
            if outcome.exception() is not None:
                raise KeyboardInterrupt from outcome.exception()
        return outcome.result()

    def _serve(self) -> None:
        """Do what comes until the work has ended; an interrupt may have taken the word that it has."""
        while not (self.is_over and self._inbox.empty()):
            if (item := self._inbox.get()) is not None:
                item()

    def _end(self) -> None:
        self.is_over = True
        self._inbox.put(None)

    def _stop(self, outcome: concurrent.futures.Future[Any]) -> None:
        """Cancel the work; a question that stands open is answered with no, or it would wait for ever."""
        self._is_interrupted = True

        async def cancel() -> None:  # it runs after the beginning of `work`, if that was handed over at all
            if self._task is not None:
                self._task.cancel()
            else:
                outcome.set_exception(asyncio.CancelledError())
                self._end()

        if self._answer is not None and not self._answer.done():
            self._answer.set_result(False)
        self._loop.submit(cancel())
