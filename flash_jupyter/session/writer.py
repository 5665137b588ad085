"""Writes that nobody waits for: the end of a job, its output log. One thread, in the order of calls."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

#: a short cell has the interpreter for itself before its end is written
LINGER_S = 0.01
_log = logging.getLogger(__name__)


class BackgroundWriter:
    """A thread that runs small writing actions one after the other; it starts with the first."""

    def __init__(self) -> None:
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
        while (action := self._actions.get()) is not None:
            if self._actions.empty():
                time.sleep(LINGER_S)
            try:
                action()
            except Exception:  # a full disk must not end the thread
                _log.warning("flash_jupyter could not write", exc_info=True)


class OutputLog:
    """All that a job printed, as a text file that is made with the first piece."""

    def __init__(self, path: Path, writer: BackgroundWriter) -> None:
        self._writer = writer
        self._file: TextIO | None = None
        #: where it is, or would be
        self.place = path
        self.path: Path | None = None

    def write(self, text: str) -> None:
        """Append a piece of text, in the background."""
        self.path = self.place
        self._writer.put(lambda: self._append(text))

    def close(self) -> None:
        """Close the file, in the background."""
        if self.path is not None:
            self._writer.put(self._close)

    def _append(self, text: str) -> None:
        if self._file is None:
            self.place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.place.touch(mode=0o600)  # it holds what cells print
            self._file = self.place.open("a", encoding="utf-8", errors="backslashreplace")
        self._file.write(text)
        self._file.flush()  # another process may follow it

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
