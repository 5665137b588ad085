"""One thread that lets what is on the page move while the main thread waits.

A timer a cell would cost a thread a cell, half a millisecond of a few.
"""

from __future__ import annotations

import threading
from typing import Protocol

TICK_S = 0.05
#: the thread ends so many looks after the last cell is over
IDLE_TICKS = 40


class Ticking(Protocol):
    """What is looked at now and then."""

    @property
    def is_over(self) -> bool:
        """Whether nothing of it moves any more."""

    def tick(self) -> None:
        """Show what has changed since the last look."""


class Ticker:
    """Looks at the newest card every `TICK_S`, and ends when nobody needs it any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: Ticking | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._idle = 0

    def watch(self, card: Ticking) -> None:
        """Look at this card from now on."""
        with self._lock:
            self._watched, self._idle = card, 0
            if self._thread is None or not self._thread.is_alive():
                self._ended.clear()
                self._thread = threading.Thread(target=self._run, name="flash-card", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread now; the next card starts it again."""
        thread = self._thread
        self._ended.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while self._is_needed(self._ended.wait(TICK_S)):
            if self._watched is not None:
                self._watched.tick()

    def _is_needed(self, stopped: bool) -> bool:
        with self._lock:
            self._idle = self._idle + 1 if self._watched is None or self._watched.is_over else 0
            if stopped or self._idle > IDLE_TICKS:
                self._thread = self._watched = None
            return self._thread is not None


TICKER = Ticker()
