"""Writes that nobody waits for: the end of a job, what it printed, what it said. One thread, in the order of calls.

The two files of a job outlive kernel and worker. Several processes may add to a journal, one after the other or at
once: who reads it takes each number once.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

#: a number and an event's JSON form
Numbered = tuple[int, dict[str, Any]]
#: a short cell has the interpreter for itself before its end is written
LINGER_S = 0.01
#: after so many seconds without an action nobody waits for the disk
IDLE_S = 1.0
_log = logging.getLogger(__name__)


class BackgroundWriter:
    """A thread that runs small writing actions one after the other; it starts with the first.

    `when_idle` runs after those of a burst, once nothing has come for `idle_s` seconds.
    """

    def __init__(self, *, when_idle: Callable[[], None] | None = None, idle_s: float = IDLE_S) -> None:
        self._when_idle, self._idle_s, self._is_tidy = when_idle, idle_s, True
        self._actions: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, action: Callable[[], None]) -> None:
        """Run `action` soon. A failure is logged: the job it belongs to has long been answered."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="flash_jupyter writer", daemon=True)
                self._thread.start()
            self._actions.put(action)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until everything that was put so far is written; False when that takes too long."""
        done = threading.Event()
        with self._lock:
            if self._thread is None:
                return True
            self._actions.put(done.set)
        return done.wait(timeout_s)

    def close(self) -> None:
        """Write what is left and end the thread; the next `put` starts a new one."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._actions.put(None)
        if thread is not None:
            thread.join(10.0)

    def _serve(self) -> None:
        while (action := self._next()) is not None:
            if self._actions.empty():
                time.sleep(LINGER_S)
            _attempt(action)
            self._is_tidy = self._when_idle is None

    def _next(self) -> Callable[[], None] | None:
        """Wait for an action; None ends the thread."""
        if not self._is_tidy and self._when_idle is not None:
            with contextlib.suppress(queue.Empty):
                return self._actions.get(timeout=self._idle_s)
            _attempt(self._when_idle)
            self._is_tidy = True
        return self._actions.get()


def _attempt(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception:  # a full disk must not end the thread
        _log.warning("flash_jupyter could not write", exc_info=True)


class _File:
    """A file at `place`, made with the first piece; each is written at once, so that a killed process loses nothing."""

    def __init__(self, path: Path, writer: BackgroundWriter) -> None:
        self.place, self._writer = path, writer
        self._file: BinaryIO | None = None

    def close(self) -> None:
        """Close the file, in the background."""
        self._writer.put(self._close)

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self.place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.place.touch(mode=0o600)  # it holds what cells print
            self._file = self.place.open("ab", buffering=0)
        return self._file

    def _append(self, data: bytes) -> None:
        self._opened().write(data)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class OutputLog(_File):
    """All that a job printed, as text. `path` is its place, and None as long as there is nothing."""

    def __init__(self, path: Path, writer: BackgroundWriter) -> None:
        super().__init__(path, writer)
        self.path: Path | None = None

    def write(self, text: str) -> None:
        """Append a piece of text, in the background."""
        self.path = self.place
        self._writer.put(lambda: self._append(text.encode(errors="backslashreplace")))

    def close(self) -> None:
        """Close the file, in the background, where there is one."""
        if self.path is not None:
            super().close()


class Journal(_File):
    """All that a job said: a line of JSON an event, with its number."""

    def __init__(self, path: Path, writer: BackgroundWriter) -> None:
        super().__init__(path, writer)
        self.lines = 0

    def keep(self, seq: int, event: dict[str, Any]) -> None:
        """Add an event."""
        self.lines += 1
        line = json.dumps({"seq": seq, "event": event}, separators=(",", ":")).encode() + b"\n"
        self._writer.put(partial(self._append, line))

    def restart(self) -> None:
        """Forget everything: the job begins anew."""
        self.lines = 0
        self._writer.put(self._truncate)

    def _truncate(self) -> None:
        self._opened().truncate(0)


def read_journal(path: Path) -> Iterator[Numbered]:
    """Yield the events in the order in which they were written; none where there is no file.

    A line that was cut by the end of its process is passed over.
    """
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        for line in file:
            try:
                data = json.loads(line)
            except ValueError:
                continue
            yield int(data["seq"]), data["event"]
