"""What one job says: put together from its worker's log and its answer, kept in a file, told to who listens.

It tells every event at once, in order. Lives on the loop thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from flash_jupyter import limits
from flash_jupyter.session.events import Event, EventAssembler, Fragment, Stream
from flash_jupyter.session.results import kept_events
from flash_jupyter.session.writer import OutputLog

#: a log stream that is behind gets this long without a new line, when the answer does not carry all events
STREAM_SILENCE_S = 1.0
#: a cell without an answer has this long to bring its last output: the worker's grace time, and a little more
LAST_WORDS_S = limits.CANCEL_GRACE_S + 1.0
#: events that a job without a listener keeps for `attach`
BACKLOG = 10_000


class Feed:
    """The events of one job; without a listener they are kept until `redirect`."""

    def __init__(self, log: OutputLog, listener: Callable[[Event], None] | None = None) -> None:
        self.log = log
        #: set when the worker said that it is done, or when somebody wants the job's state at once
        self.done = asyncio.Event()
        self._listener = listener
        self._backlog: deque[Event] = deque(maxlen=BACKLOG)
        self._assembler = EventAssembler()
        self._moved = asyncio.Event()

    @property
    def has_begun(self) -> bool:
        """Whether anything of the worker's output has come."""
        return self._assembler.has_begun

    def restart(self) -> None:
        """The job is sent (again): its events begin anew."""
        self._assembler, self.done = EventAssembler(), asyncio.Event()

    def take(self, fragment: Fragment) -> None:
        """Take a piece of the worker's log."""
        for event in self._assembler.feed(fragment):
            self.tell(event)
        self._moved.set()
        if self._assembler.done:
            self.done.set()

    def tell(self, event: Event) -> None:
        """Give an event to who listens."""
        if isinstance(event, Stream):
            self.log.write(event.text)
        if self._listener is not None:
            self._listener(event)
        else:
            self._backlog.append(event)

    def redirect(self, listener: Callable[[Event], None]) -> None:
        """Give everything so far, and what comes, to `listener`."""
        for event in self._backlog:
            listener(event)
        self._backlog.clear()
        self._listener = listener

    async def complete(self, answer: bytes) -> None:
        """Wait for lines that the answer does not carry, as long as they keep coming; the answer fills the rest."""
        if self._assembler.is_complete:
            return
        carried, total = kept_events(answer)
        while len(carried) < total and not self._assembler.done and await self._news():
            pass
        for event in self._assembler.fill(carried, total):
            self.tell(event)

    async def last_words(self) -> None:
        """Wait for what a stopped cell says in its `finally`: until its `done`, or silence."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._until_done_or_silent(), LAST_WORDS_S)

    async def _until_done_or_silent(self) -> None:
        while not self._assembler.done and await self._news():
            pass

    async def _news(self) -> bool:
        """Wait for a line of the log; False when none comes for a while."""
        self._moved.clear()
        try:
            await asyncio.wait_for(self._moved.wait(), STREAM_SILENCE_S)
        except asyncio.TimeoutError:
            return False
        return True
