"""The one line that says where a cell runs: phases while it lasts, then where it ran and what it took.

A display, never stdout. A cell publishes when its job is sent, since the main thread has nothing to do then, and a
publish takes a millisecond. A short one leaves it at that; a longer one shows its phases from `APPEAR_AFTER_S` on,
first from the ticker's thread, because the main thread is waiting. ipykernel gives output of a thread to the cell that
runs.
"""

from __future__ import annotations

import html
import threading
import time
import uuid
from typing import Any

from flash_jupyter.views.format import duration, money
from flash_jupyter.views.output import Publisher

APPEAR_AFTER_S = 0.4
TICK_S = 0.05
#: the ticker's thread ends so many looks after the last cell has begun
TICKS = 40

#: backend -> how a person calls it
PLACES = {"local": "the local Runpod", "runpod": "Runpod"}


def outcome_text(backend: str, endpoint: str, worker: str | None, seconds: float, cost_usd: float | None = None) -> str:
    """Say in one line where a cell ran.

    >>> outcome_text("local", "flash-any-py311-me", "w1", 0.42)
    'ran on the local Runpod · flash-any-py311-me · worker w1 · 0.42 s'
    >>> outcome_text("runpod", "trainer", None, 75, 0.0142)
    'ran on Runpod · trainer · 1 min 15 s · $0.0142'
    """
    parts = [f"ran on {PLACES[backend]}", endpoint, f"worker {worker}" if worker else "", duration(seconds)]
    if cost_usd is not None:
        parts.append(money(cost_usd))
    return " · ".join(part for part in parts if part)


def sent_text(backend: str, endpoint: str) -> str:
    """Say in one line where a cell runs, in words that are true afterwards too.

    >>> sent_text("local", "flash-any-py311-me")
    'on the local Runpod · flash-any-py311-me'
    """
    return f"on {PLACES[backend]} · {endpoint}"


def one_line(text: str) -> dict[str, str]:
    """Make the mime bundle of a line; the HTML takes its colour from the page, light or dark.

    >>> one_line("a < b")["text/html"]
    '<div style="font-size:90%;opacity:.75">a &lt; b</div>'
    """
    return {
        "text/plain": text,
        "text/html": f'<div style="font-size:90%;opacity:.75">{html.escape(text)}</div>',
    }


class StatusLine:
    """The status line of one cell. Used as a context: it appears late, and always comes to an end."""

    def __init__(self, publisher: Publisher, *, appear_after_s: float = APPEAR_AFTER_S) -> None:
        self._publisher = publisher
        self._lock = threading.Lock()
        self._appear_at = time.monotonic() + appear_after_s
        self._text = self._shown = ""
        self._display_id = ""
        self._is_late = self._is_over = False

    def __enter__(self) -> StatusLine:
        TICKER.watch(self)
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._is_over = True

    def phase(self, name: str, detail: str = "") -> None:
        """Note what the job does now; shown at once where the line is already there."""
        with self._lock:
            self._text = f"{name} · {detail}" if detail else name
            if self._is_late:
                self._publish()

    def sent(self, text: str) -> None:
        """Show where the job goes."""
        with self._lock:
            self._text = text
            self._publish()

    def finish(self, text: str, *, always: bool = True) -> None:
        """Show the last state, which the notebook saves; without `always` not where a short cell has its line."""
        with self._lock:
            self._is_over = True
            self._text = text
            if always or self._is_late or not self._display_id:
                self._publish()

    def fail(self, text: str) -> None:
        """Replace a phase that is shown; where nothing is shown, the error that follows says enough."""
        with self._lock:
            self._is_over = True
            if self._display_id:
                self._text = text
                self._publish()

    def cleared(self) -> None:
        """The cell cleared its output, this line with it: the next state is shown anew."""
        with self._lock:
            self._display_id = ""

    def tick(self) -> None:
        """Appear when it is time. Called from the ticker's thread."""
        with self._lock:
            if not self._is_over and not self._is_late and time.monotonic() >= self._appear_at:
                self._is_late = True
                if self._text:
                    self._publish()

    def _publish(self) -> None:
        update = bool(self._display_id)
        if update and self._text == self._shown:
            return
        self._shown = self._text
        self._display_id = self._display_id or uuid.uuid4().hex
        self._publisher.publish(one_line(self._text), transient={"display_id": self._display_id}, update=update)


class Ticker:
    """One thread that looks at the newest status line now and then, and ends when nobody needs it any more.

    A timer a cell would cost a thread a cell, half a millisecond of a few.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: StatusLine | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._ticks = 0

    def watch(self, line: StatusLine) -> None:
        """Look at this line from now on."""
        with self._lock:
            self._line, self._ticks = line, 0
            if self._thread is None:
                self._ended.clear()
                self._thread = threading.Thread(target=self._run, name="flash-status", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread now; the next line starts it again."""
        thread = self._thread
        self._ended.set()
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while self._is_needed(self._ended.wait(TICK_S)):
            if self._line is not None:
                self._line.tick()

    def _is_needed(self, stopped: bool) -> bool:
        with self._lock:
            self._ticks += 1
            if stopped or self._ticks > TICKS:
                self._thread = self._line = None
            return self._thread is not None


TICKER = Ticker()
