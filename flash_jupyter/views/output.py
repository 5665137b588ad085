"""Streams and displays of a remote cell, shown as if the cell had run here.

Text goes to `sys.stdout` and `sys.stderr`, so that capturing, redirecting and nbclient work as ever;
displays go to IPython's display publisher with their ids. What is saved in the notebook is bounded, and so is how often
a second it changes; the log file has all of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from flash_jupyter import limits
from flash_jupyter.views.flood import HeadAndTail, Pace, without_overwritten
from flash_jupyter.views.format import size
from flash_jupyter.views.publisher import Display, Publisher

#: a shorter cell does not flush: its output goes out when it ends
FLUSH_AFTER_S = 0.1
#: changes between stdout and stderr that are shown in order: so many at once, and so many a second
SWITCHES, SWITCHES_PER_S = 20, 1.0
#: text that waits in a flood, before it is cut to what is kept of it
WAITING_CHARS = 1_000_000
#: between two looks at text that is held back
PREVIEW_INTERVAL_S = 0.5
PREVIEW_LINES = 5


@dataclass(frozen=True)
class _Shown:
    """A display that waits."""

    data: Mapping[str, Any]
    metadata: Mapping[str, Any]
    display_id: str | None
    update: bool


@dataclass
class _Text:
    """Text of one stream that waits."""

    name: str
    pieces: list[str]


class OutputView:
    """The output of one cell."""

    def __init__(
        self,
        publisher: Publisher,
        *,
        stdout: TextIO,
        stderr: TextIO,
        limit: int = limits.SAVED_OUTPUT_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publisher, self._clock, self._limit = publisher, clock, limit
        self._streams = {"stdout": stdout, "stderr": stderr}
        self._lock = threading.RLock()
        self._waiting: list[_Text | _Shown] = []
        self._waiting_chars = 0
        self._reminder: threading.Timer | None = None
        self._pace = Pace()
        self._text = HeadAndTail(limit)
        self._log: Path | None = None
        self._unflushed: str | None = None
        self._began_at = self._counted_at = clock()
        self._switches_left = float(SWITCHES)
        self._next_preview = 0.0
        self._preview_display = Display(publisher)

    def stream(self, name: str, text: str) -> None:
        """Show text of `stdout` or `stderr`, or hold it back where the cell prints too much."""
        with self._lock:
            last = self._waiting[-1] if self._waiting else None
            if isinstance(last, _Text) and last.name == name:
                last.pieces.append(text)
            else:
                self._waiting.append(_Text(name, [text]))
            self._waiting_chars += len(text)
            self._show_in_time()

    def display(
        self, data: Mapping[str, Any], metadata: Mapping[str, Any], display_id: str | None, update: bool
    ) -> None:
        """Show a mime bundle, or update the one with this id, also where another cell has shown it."""
        with self._lock:
            if update:  # an update that nobody has seen yet is out of date
                self._waiting = [
                    item
                    for item in self._waiting
                    if not (isinstance(item, _Shown) and item.update and item.display_id == display_id)
                ]
            self._waiting.append(_Shown(data, metadata, display_id, update))
            self._show_in_time()

    def clear(self, wait: bool) -> None:
        """Clear the cell's output; what was cleared no longer counts."""
        with self._lock:
            self._waiting, self._waiting_chars = [item for item in self._waiting if _is_elsewhere(item)], 0
            self._publisher.clear_output(wait)
            self._text = HeadAndTail(self._limit)
            self._preview_display = Display(self._publisher)

    def logged(self, path: Path) -> None:
        """Note where all of it is written down."""
        self._log = path

    def close(self) -> None:
        """Show what was held back, and say where all of it is."""
        with self._lock:
            self._show()
            if self._text.left_out:
                where = f"; all of it: {self._log}" if self._log else ""
                self._preview_display.show(
                    {"text/plain": f"… {size(self._text.left_out)} of text left out here{where}"}
                )
            for name, text in self._text.tail():
                self._write(name, text)
            self._text = HeadAndTail(self._limit)

    def _show_in_time(self) -> None:
        """Show what waits now, or, in a flood, soon: also where nothing comes any more that would remind of it."""
        wait_s = self._pace.wait_s(self._clock())
        if not wait_s:
            self._show()
            return
        if self._waiting_chars > WAITING_CHARS:
            self._show(flush=False)
        if self._reminder is None:
            self._reminder = threading.Timer(wait_s, self._remember)
            self._reminder.daemon = True
            self._reminder.start()

    def _remember(self) -> None:
        with self._lock:
            if self._reminder is threading.current_thread():
                self._pace.shown(self._clock())
                self._show()

    def _show(self, *, flush: bool = True) -> None:
        if self._reminder is not None:
            self._reminder.cancel()
            self._reminder = None
        waiting, self._waiting, self._waiting_chars = self._waiting, [], 0
        for item in self._in_few_pieces(waiting):
            if isinstance(item, _Text):
                self._show_text(item)
            else:
                transient = {"display_id": item.display_id} if item.display_id else {}
                self._publisher.publish(item.data, item.metadata, transient=transient, update=item.update)
        if flush and self._unflushed and self._clock() - self._began_at >= FLUSH_AFTER_S:
            self._flush()

    def _show_text(self, text: _Text) -> None:
        shown = self._text.take(text.name, without_overwritten("".join(text.pieces)))
        if shown:
            self._write(text.name, shown)
        if self._text.left_out and self._clock() >= self._next_preview:
            self._next_preview = self._clock() + PREVIEW_INTERVAL_S
            self._preview()

    def _in_few_pieces(self, waiting: list[_Text | _Shown]) -> Iterator[_Text | _Shown]:
        """Bring text of streams that alternate too often together, each stream for itself, between two displays."""
        now = self._clock()
        self._switches_left = min(SWITCHES, self._switches_left + (now - self._counted_at) * SWITCHES_PER_S)
        self._counted_at = now
        together: dict[str, _Text] = {}
        for item in waiting:
            if isinstance(item, _Shown):
                yield from together.values()
                together = {}
                yield item
            elif self._switches_left >= 1:
                self._switches_left -= 1
                yield item
            elif item.name in together:
                together[item.name].pieces += item.pieces
            else:
                together[item.name] = item
        yield from together.values()

    def _write(self, name: str, text: str) -> None:
        """Write to one stream; in ipykernel each has a buffer of its own, so the other's must go out first."""
        if self._unflushed not in (None, name):
            self._flush()
        self._streams[name].write(text)
        self._unflushed = name

    def _flush(self) -> None:
        if self._unflushed is not None:
            self._streams[self._unflushed].flush()
            self._unflushed = None

    def _preview(self) -> None:
        last_text = "".join(text for _, text in self._text.tail()[-PREVIEW_LINES:])[-2_000:]
        lines = "\n".join(last_text.splitlines()[-PREVIEW_LINES:])
        self._preview_display.show(
            {"text/plain": f"… {size(self._text.left_out)} of text left out so far; the last lines:\n{lines}"}
        )


def _is_elsewhere(item: _Text | _Shown) -> bool:
    """Whether it stays when the cell is cleared: an update may be of another cell's display."""
    return isinstance(item, _Shown) and item.update
