"""What a deployed function prints goes home to who called it, where the caller says a `run`: as a cell's does.

The events are lines of the worker's log, so that they come while it runs, and stand in the answer (`output.py`). Whose
a line is, its context says: that of the job, of the thread that it runs in, of what it awaits, and of the tasks that it
starts: of one that goes on for later jobs, what it prints after the end of the job that started it is in the log. What
threads of its own print, programs that it starts and C code, nobody can tell from another job's: it stays in the log as
it is, as all does that a caller without a `run` causes.
"""

from __future__ import annotations

import contextvars
import os
import re
import sys
from collections.abc import Awaitable
from typing import Any

from flash_jupyter.worker.output import Events

#: the descriptor of the container's log
LOG_FD = 1
#: a result with more characters leaves no room in an answer (20 MB) for the events; the log has them
ROOM_CHARACTERS = 16_000_000
_RUN = re.compile(r"[0-9a-f]{16}")
_events: contextvars.ContextVar[Events | None] = contextvars.ContextVar("flash_jupyter_events", default=None)
_is_forked = False


class Attributed:
    """Takes the place of `sys.stdout` or `sys.stderr` for the life of the process; the one before stands below it."""

    def __init__(self, name: str, below: Any) -> None:
        self._name, self._below = name, below

    def write(self, text: str) -> int:
        """Pass text on as an event of the job whose context this is, else to the log."""
        events = _listening() if isinstance(text, str) else None
        if events is None:
            return int(self._below.write(text))
        if text:
            events.text(self._name, text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Make what was written visible now."""
        events = _listening()
        if events is None:
            self._below.flush()
        else:
            events.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


def _listening() -> Events | None:
    """The events of the job whose context this is, while they are taken."""
    events = _events.get()
    return events if events is not None and events.is_open and not _is_forked else None


def attribute_prints() -> None:
    """Do it from now on; before modules of the user's are imported, for a logger keeps the stream that it finds."""
    sys.stdout, sys.stderr = Attributed("stdout", sys.stdout), Attributed("stderr", sys.stderr)
    os.register_at_fork(after_in_child=_leave)


def _leave() -> None:
    """In a child process that was forked: the parent counts the events."""
    global _is_forked
    _is_forked = True


async def telling(run: object, answering: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Return the answer of a job, with `events` and `events_total` where its caller said a `run`."""
    if not isinstance(run, str) or not _RUN.fullmatch(run):
        return await answering
    events = Events(run, LOG_FD)
    token = _events.set(events)
    try:
        answer = await answering
    finally:
        _events.reset(token)
        events.close()
    fits = len(str(answer.get("result") or "")) <= ROOM_CHARACTERS
    return {**answer, "events": events.kept() if fits else [], "events_total": events.count}
