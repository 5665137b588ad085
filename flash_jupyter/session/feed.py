"""What one job says: put together from its worker's log and its answer, kept in files, told to who listens.

It tells every event at once, in order. Lives on the loop thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

from flash_jupyter import limits
from flash_jupyter.session.events import Event, EventAssembler, Fragment, Phase, Stream
from flash_jupyter.session.follow import Signal
from flash_jupyter.session.results import kept_events
from flash_jupyter.session.writer import Journal, OutputLog, read_journal
from flash_jupyter.transport.loop import within

#: a log stream that is behind gets this long without a new line, when the answer does not carry all events: only after
#: a flood, where a busy machine or the platform may well pause for a second
STREAM_SILENCE_S = 5.0
#: a stopped cell that says nothing for so long has said its last words
LAST_SILENCE_S = 1.0
#: a cell without an answer has this long to bring its last output: the worker's grace time, and a little more
LAST_WORDS_S = limits.CANCEL_GRACE_S + 1.0
#: events that a job without a listener keeps for `redirect`
BACKLOG = 10_000
#: a job that lasts longer has a journal; what a shorter one said is in its answer
JOURNAL_AFTER_S = 1.0


class Feed:
    """The events of one job; without a listener they are kept until `redirect`."""

    def __init__(self, log: OutputLog, journal: Journal, listener: Callable[[Event], None] | None = None) -> None:
        self.log, self.journal = log, journal
        #: set when the worker said that it is done, or when somebody wants the job's state at once
        self.done = Signal()
        self._listeners: list[Callable[[Event], None]] = [listener] if listener else []
        self._backlog: deque[Event] = deque(maxlen=BACKLOG)
        self._assembler = EventAssembler(self._keep)
        self._sendings = 0
        self._moved = Signal()
        #: the worker whose log had something of the job last
        self.worker_id = ""
        self._phase: Phase | None = None
        #: what the worker has said last of where the job is
        self.worker_phase = ""
        #: what is not in the journal yet; None once it is written
        self._unwritten: list[tuple[int, dict[str, Any]]] | None = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def has_begun(self) -> bool:
        """Whether anything of the worker's output has come."""
        return self._assembler.has_begun

    @property
    def answer(self) -> bytes | None:
        """The job's answer, where the worker's log had it; None for one that was sent again.

        All sendings have one name in the logs, so an earlier one's answer may come from the last lines of its worker.
        """
        return self._assembler.answer if self._sendings == 1 else None

    def restart(self) -> None:
        """The job is sent (again): its events begin anew."""
        self._assembler, self.done, self.worker_phase = EventAssembler(self._keep), Signal(), ""
        self._sendings += 1
        if self._unwritten is None:
            self.journal.restart()
        else:
            self._unwritten = []
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(JOURNAL_AFTER_S, self.write_journal)

    def restore(self) -> None:
        """Take up what another process has written of this job; it is told, not written again."""
        self._assembler, self._unwritten = EventAssembler(), None
        for event in self._assembler.fill(read_journal(self.journal.place), None):
            self._tell_listeners(event)
        self._assembler.keep = self._keep

    def take(self, fragment: Fragment, worker_id: str) -> None:
        """Take a piece of this worker's log."""
        self.worker_id = worker_id
        for event in self._assembler.feed(fragment):
            if isinstance(event, Phase):
                self.worker_phase = event.name
            self.tell(event)
        self._moved.set()
        if self._assembler.done:
            self.done.set()

    def tell(self, event: Event) -> None:
        """Give an event to who listens."""
        if isinstance(event, Stream):
            self.log.write(event.text)
        elif isinstance(event, Phase):
            self._phase = event
        self._tell_listeners(event)

    def redirect(self, listener: Callable[[Event], None]) -> None:
        """Give everything that nobody heard, and what comes, to `listener`."""
        for event in self._backlog:
            listener(event)
        self._backlog.clear()
        self._listeners = [listener]

    def join(self, listener: Callable[[Event], None]) -> int:
        """Give what comes to `listener` too, first where the job is; what came before: so many lines of the journal."""
        self.write_journal()
        if self._phase is not None:
            listener(self._phase)
        self._listeners.append(listener)
        return self.journal.lines

    def write_journal(self) -> None:
        """Write down what was said so far; from now on everything is written at once."""
        unwritten, self._unwritten = self._unwritten, None
        for seq, event in unwritten or ():
            self.journal.keep(seq, event)
        if self._is_closed:
            self.journal.close()

    def close(self, *, has_answer: bool) -> None:
        """The job is over; without an answer, or where it can't hold everything, the journal has what was said."""
        if self._timer is not None:
            self._timer.cancel()
        if self._unwritten and not (has_answer and self._assembler.is_complete and len(self._unwritten) < 1_000):
            self.write_journal()
        if self._unwritten is None:
            self.journal.close()
        self._is_closed = True
        self._assembler.keep = None  # nothing comes any more; else the two would wait for a collection of garbage
        self.log.close()

    async def complete(self, answer: bytes) -> None:
        """Wait for lines that the answer does not carry, as long as they keep coming; the answer fills the rest."""
        if self._assembler.is_complete:
            return
        carried, total = kept_events(answer)
        while len(carried) < total and not self._assembler.done and await self._news(STREAM_SILENCE_S):
            pass
        for event in self._assembler.fill(carried, total):
            self.tell(event)

    async def last_words(self) -> None:
        """Wait for what a stopped cell says in its `finally`: until its `done`, or silence."""
        with contextlib.suppress(asyncio.TimeoutError):
            await within(self._until_done_or_silent(), LAST_WORDS_S)

    async def _until_done_or_silent(self) -> None:
        while not self._assembler.done and await self._news(LAST_SILENCE_S):
            pass

    async def _news(self, silence_s: float) -> bool:
        """Wait for a line of the log; False when none comes for so long."""
        self._moved.clear()
        await self._moved.wait_at_most(silence_s)
        return self._moved.is_set()

    def _keep(self, seq: int, event: dict[str, Any]) -> None:
        if self._unwritten is None:
            self.journal.keep(seq, event)
        else:
            self._unwritten.append((seq, event))

    def _tell_listeners(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)
        if not self._listeners:
            self._backlog.append(event)
