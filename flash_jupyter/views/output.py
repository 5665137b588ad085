"""Streams and displays of a remote cell, shown as if the cell had run here.

Text goes to `sys.stdout` and `sys.stderr`, so that capturing, redirecting and nbclient work as ever;
displays go to IPython's display publisher with their ids. What is saved in the notebook is bounded; what a
second may flush is bounded too.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

from flash_jupyter import limits
from flash_jupyter.views.bounded import HeadAndTail
from flash_jupyter.views.format import size

#: flushes that keep stdout and stderr in order: so many at once, and so many a second
FLUSHES_PER_S = 20
#: between two looks at text that is held back
PREVIEW_INTERVAL_S = 0.5
PREVIEW_LINES = 5


class Publisher(Protocol):
    """The part of IPython's `DisplayPublisher` that views use."""

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
    ) -> None:
        """Show a mime bundle, or update the one whose `display_id` is in `transient`."""

    def clear_output(self, wait: bool = False) -> None:
        """Clear the cell's output, at once or with the next one."""


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
        self._text = HeadAndTail(limit)
        self._last_stream = "stdout"
        self._flushes_left, self._counted_at = float(FLUSHES_PER_S), clock()
        self._next_preview = 0.0
        self._preview_id = ""

    def stream(self, name: str, text: str) -> None:
        """Show text of `stdout` or `stderr`, or hold it back where the cell has printed too much."""
        shown = self._text.take(name, text)
        if shown:
            self._write(name, shown)
        if self._text.left_out and self._clock() >= self._next_preview:
            self._next_preview = self._clock() + PREVIEW_INTERVAL_S
            self._preview()

    def display(
        self, data: Mapping[str, Any], metadata: Mapping[str, Any], display_id: str | None, update: bool
    ) -> None:
        """Show a mime bundle, or update the one with this id, also where another cell has shown it."""
        transient = {"display_id": display_id} if display_id else {}
        self._publisher.publish(data, metadata, transient=transient, update=update)

    def clear(self, wait: bool) -> None:
        """Clear the cell's output; what was cleared no longer counts."""
        self._publisher.clear_output(wait)
        self._text = HeadAndTail(self._limit)
        self._preview_id = ""

    def close(self, log: Path | None) -> None:
        """Show what was held back, and where all of it is."""
        if self._text.left_out:
            where = f"; all of it: {log}" if log else ""
            self._show_preview(f"… {size(self._text.left_out)} of text left out here{where}")
        for name, text in self._text.tail():
            self._write(name, text)
        self._text = HeadAndTail(self._limit)

    def _write(self, name: str, text: str) -> None:
        if name != self._last_stream:
            self._flush_in_order()
            self._last_stream = name
        self._streams[name].write(text)

    def _flush_in_order(self) -> None:
        """Flush the other stream before this one writes, `FLUSHES_PER_S` times a second.

        In ipykernel each stream has its own buffer: without this, order between the two is lost.
        """
        now = self._clock()
        self._flushes_left = min(FLUSHES_PER_S, self._flushes_left + (now - self._counted_at) * FLUSHES_PER_S)
        self._counted_at = now
        if self._flushes_left >= 1:
            self._flushes_left -= 1
            self._streams[self._last_stream].flush()

    def _preview(self) -> None:
        last_text = "".join(text for _, text in self._text.tail()[-PREVIEW_LINES:])[-2_000:]
        lines = "\n".join(last_text.splitlines()[-PREVIEW_LINES:])
        self._show_preview(f"… {size(self._text.left_out)} of text left out so far; the last lines:\n{lines}")

    def _show_preview(self, text: str) -> None:
        update = bool(self._preview_id)
        self._preview_id = self._preview_id or uuid.uuid4().hex
        self._publisher.publish({"text/plain": text}, transient={"display_id": self._preview_id}, update=update)
