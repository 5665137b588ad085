"""The log streams that are open: one follower a worker, however many jobs; each event goes to the job it belongs to.

A follower stays after its job, because the next cell of the notebook most likely meets the same worker: then its
`done` event is here before any poll.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from contextlib import aclosing
from datetime import timedelta

from flash_jupyter.quantities import read_time
from flash_jupyter.session.events import Fragment, read_fragment
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http
from flash_jupyter.transport.logs import follow_log
from flash_jupyter.wire.control import LogLine

#: last lines of a worker's own log that an error shows; what its cells print is not among them
TAIL_LINES = 200
#: gets each fragment of a run, and the worker that said it
Listener = Callable[[Fragment, str], None]
#: a log that was read to its end is not opened again within so many seconds, for who heard all of it
AGAIN_S = 10.0
#: for clocks of one platform that differ
MARGIN_S = 5.0


class LogStreams:
    """Followers of the workers of one backend, and the runs that listen. Lives on the loop thread."""

    def __init__(self, http: Http) -> None:
        self._http, self._control = http, Control(http)
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._listeners: dict[str, Listener] = {}
        #: the loop's time at which a run was about to be sent, of those that were sent from here
        self._since: dict[str, float] = {}
        self._tails: dict[str, deque[LogLine]] = {}
        #: the run that was heard last from each worker
        self._runs: dict[str, str] = {}
        #: the loop's time at which a worker's log had been read to its end, and the runs that heard all of it
        self._read: dict[str, tuple[float, frozenset[str]]] = {}
        self._ended: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def listen(self, run: str, listener: Listener) -> None:
        """Give every fragment of `run` to `listener`."""
        self._listeners[run] = listener

    def expect(self, run: str, listener: Listener) -> None:
        """Listen to a run that is about to be sent: nothing of it was said before now."""
        self._since[run] = asyncio.get_running_loop().time()
        self.listen(run, listener)

    def forget(self, run: str) -> None:
        """Stop listening to a run; followers stay."""
        self._listeners.pop(run, None)
        self._since.pop(run, None)

    def watch(self, endpoint_id: str, worker_id: str) -> None:
        """Follow this worker's log, from its last lines on, unless it is followed already, or nothing new can come."""
        if worker_id not in self._followers and not self._is_read(worker_id):
            task = asyncio.get_running_loop().create_task(self._follow(endpoint_id, worker_id))
            self._followers[worker_id] = task
            task.add_done_callback(lambda _: self._followers.pop(worker_id, None))

    def _is_read(self, worker_id: str) -> bool:
        """Whether its log has come to an end a moment ago, and all who listen were there."""
        read_at, heard = self._read.get(worker_id, (float("-inf"), frozenset[str]()))
        return asyncio.get_running_loop().time() < read_at + AGAIN_S and self._listeners.keys() <= heard

    def tail(self, worker_id: str | None) -> tuple[str, ...]:
        """Return the last lines that a worker wrote itself in its last run, and that are no events of ours."""
        return tuple(line.line for line in self._lines(worker_id) if line.source == "container")[-TAIL_LINES:]

    def last_lines(self, worker_id: str | None) -> tuple[str, ...]:
        """Return the last lines of a worker's log, the platform's own about it among them."""
        return tuple(line.line for line in self._lines(worker_id))[-TAIL_LINES:]

    def _lines(self, worker_id: str | None) -> Iterable[LogLine]:
        return self._tails.get(worker_id or "", ())

    async def ended(self, worker_id: str) -> None:
        """Wait until the platform has closed this worker's stream: all that it wrote is here."""
        await self._ended[worker_id].wait()

    async def aclose(self) -> None:
        """End all followers."""
        tasks = list(self._followers.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, endpoint_id: str, worker_id: str) -> None:
        self._tails.setdefault(worker_id, deque(maxlen=2 * TAIL_LINES))
        url, ended = self._control.logs_url(endpoint_id, worker_id), self._ended[worker_id]
        listened = frozenset(self._listeners)
        try:
            if since := await self._follow_tail(url, worker_id):
                self._tails[worker_id].clear()
                async with aclosing(follow_log(self._http, url, since=since, ended=ended.set)) as lines:
                    async for line in lines:
                        self._take(line, worker_id)
            # who was sent from here listened before its first line
            self._read[worker_id] = asyncio.get_running_loop().time(), listened | self._since.keys()
        finally:
            ended.set()

    async def _follow_tail(self, url: str, worker_id: str) -> str:
        """Follow a log from its last lines on; where a run said more before these, return a time before its begin."""
        is_met = False
        async with aclosing(follow_log(self._http, url, ended=self._ended[worker_id].set)) as lines:
            async for line in lines:
                if not is_met and (fragment := read_fragment(line.line)) and fragment.run in self._listeners:
                    is_met = True
                    if fragment.seq and (since := self._before(fragment.run, line)):
                        return since
                self._take(line, worker_id)
        return ""

    def _before(self, run: str, line: LogLine) -> str:
        """A time of the platform before the run was sent, whatever our clock says; "" where that is not known.

        The line was written before now: as far before it as the sending lies before now, the run had said nothing.
        """
        said_at, sent_at = read_time(line.ts), self._since.get(run)
        if said_at is None or sent_at is None:
            return ""
        seconds = asyncio.get_running_loop().time() - sent_at + MARGIN_S
        return (said_at - timedelta(seconds=seconds)).isoformat()

    def _take(self, line: LogLine, worker_id: str) -> None:
        fragment = read_fragment(line.line)
        if fragment is None:
            self._tails[worker_id].append(line)
            return
        if self._runs.get(worker_id, fragment.run) != fragment.run:  # what came before is of another job
            self._tails[worker_id].clear()
        self._runs[worker_id] = fragment.run
        if listener := self._listeners.get(fragment.run):
            listener(fragment, worker_id)
