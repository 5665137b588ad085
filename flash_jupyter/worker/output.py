"""What a cell shows while it runs, as events: lines on the worker's own stdout, which the log stream carries home.

A line is `@FJ1:<run>:<seq>:<part>/<n>:<fragment>`; the fragments of one `seq` make a JSON object. The run id is random,
so that what the cell prints can't pass for an event. The first line after a silence is an event at once, what follows
is collected for a moment: a hundred thousand small prints are a few hundred events.

Of a cell that prints without end the log has everything, the answer the beginning and the end. A large display is the
other way round: in the log a note stands at its place, the answer brings it.
"""

from __future__ import annotations

import base64
import io
import json
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Set
from typing import Any

Event = dict[str, Any]
_event_json = json.JSONEncoder(separators=(",", ":")).encode

#: of the first events, and again of the last ones
KEPT_BYTES = 1_000_000
#: a display above this is not written to the log (design D5)
LIVE_BYTES = 256 * 1024
#: of all displays that only the answer brings; it holds 14 MB
LATE_BYTES = 6 * 1024 * 1024


class Kept:
    """The events that the answer carries."""

    def __init__(self) -> None:
        self._head: list[tuple[int, Event]] = []
        self._tail: deque[tuple[int, Event, int]] = deque()
        self._head_bytes = self._tail_bytes = 0
        self._late: dict[int, tuple[Event, int]] = {}

    def add(self, seq: int, event: Event, size: int) -> None:
        """Keep an event, in place of an older one where there is no room."""
        if not self._tail and self._head_bytes + size <= KEPT_BYTES:
            self._head.append((seq, event))
            self._head_bytes += size
            return
        self._tail.append((seq, event, size))
        self._tail_bytes += size
        while self._tail_bytes > KEPT_BYTES and len(self._tail) > 1:
            self._tail_bytes -= self._tail.popleft()[2]

    def add_late(self, seq: int, event: Event, size: int) -> bool:
        """Keep a display for the answer, in place of one with the same id; False where there is no room for it."""
        self._late = {number: other for number, other in self._late.items() if other[0]["id"] != event["id"]}
        if sum(other for _, other in self._late.values()) + size > LATE_BYTES:
            return False
        self._late[seq] = event, size
        return True

    def forget_late(self) -> None:
        """The output was cleared, and the large displays with it."""
        self._late.clear()

    def give_up_late(self) -> None:
        """The answer has no room for the large displays: it says so at their places."""
        self._late = {seq: (note_for(event, size, fits=False), 0) for seq, (event, size) in self._late.items() if size}

    def events(self) -> list[tuple[int, Event]]:
        """Return all of them with their numbers, in order."""
        if not self._tail and not self._late:
            return list(self._head)
        kept = dict([*self._head, *((seq, event) for seq, event, _ in self._tail)])
        return sorted({**kept, **{seq: event for seq, (event, _) in self._late.items()}}.items())


def note_for(event: Event, size: int, *, fits: bool) -> Event:
    """What stands in the log at the place of a large display; `late` says that the answer brings it.

    >>> note_for({"t": "display", "data": {"image/png": "..."}, "id": "a"}, 1_200_000, fits=True)["data"]
    {'text/plain': 'image/png of 1.2 MB: too large to be shown live, it comes when the cell ends'}
    """
    largest = max(event["data"], key=lambda mime: len(str(event["data"][mime])))
    when = "it comes when the cell ends" if fits else "and with those before it for the answer too; save it to a file"
    text = f"{largest} of {size / 1e6:.1f} MB: too large to be shown live, {when}"
    return {**event, "data": {"text/plain": text}, "metadata": {}, **({"late": True} if fits else {})}


#: a log line is cut at about 4 KiB on its way (runpod SDK 1.12, `RUNPOD_LOG_LEVEL`), so a fragment stays below
FRAGMENT_BYTES = 3 * 1024 - 64
TEXT_FROM_CHARS = 2 * 1024
TEXT_AFTER_S = 0.05
#: one huge print is several events: the answer keeps the first and the last of them
LONGEST_TEXT_CHARS = 64 * 1024
#: a larger answer is not said in the log: it would not be one line
SAID_ANSWER_BYTES = 2 * 1024


class Events:
    """The events of one run: writes each to the log, and keeps for the answer what that carries."""

    def __init__(self, run: str, fd: int, secrets: Iterable[str] = ()) -> None:
        self.count = 0
        self._run, self._fd = run, fd
        self._secrets = [secret for secret in secrets if len(secret) >= 6]
        self._lock = threading.RLock()
        self._pending: list[str] = []
        self._pending_name, self._pending_chars, self._flushed_at = "", 0, 0.0
        self._kept = Kept()
        self._open, self._flusher = True, False

    def text(self, name: str, text: str) -> None:
        """Take a piece of stdout or stderr."""
        with self._lock:
            if name != self._pending_name:
                self.flush()
                self._pending_name = name
            self._pending.append(text)
            self._pending_chars += len(text)
            ends_line = "\n" in text or "\r" in text
            is_due = ends_line and time.monotonic() - self._flushed_at > TEXT_AFTER_S
            if is_due or self._pending_chars >= TEXT_FROM_CHARS:
                self.flush()
            else:
                self._flush_later()

    def flush(self) -> None:
        """Make an event of the text that waits."""
        with self._lock:
            name, text = self._pending_name, "".join(self._pending)
            self._pending, self._pending_name, self._pending_chars = [], "", 0
            if text:
                self._flushed_at = time.monotonic()
                masked = self._mask(text)
                for at in range(0, len(masked), LONGEST_TEXT_CHARS):
                    self._write({"t": name, "text": masked[at : at + LONGEST_TEXT_CHARS]})

    def emit(self, event: dict[str, Any]) -> None:
        """Write an event, after the text that came before it."""
        with self._lock:
            self.flush()
            if event["t"] == "clear":
                self._kept.forget_late()
            self._write(event)

    def show(self, event: dict[str, Any]) -> None:
        """Write a display, after the text that came before it; only a note of it where it is large."""
        size = len(_event_json(event))
        if size <= LIVE_BYTES:
            self.emit(event)
            return
        with self._lock:
            self.flush()
            event = {**event, "id": event["id"] or uuid.uuid4().hex}
            fits = self._kept.add_late(self.count, event, size)
            self._write(note_for(event, size, fits=fits))

    def close(self, answer: bytes = b"") -> None:
        """End the run: text that threads of the cell print later belongs to no cell, and is dropped.

        The last event says an `answer` that is small enough.
        """
        said = {"answer": base64.b64encode(answer).decode()} if 0 < len(answer) <= SAID_ANSWER_BYTES else {}
        self.emit({"t": "done", **said})
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether the run still takes text."""
        return self._open

    def leave(self) -> None:
        """Write nothing any more: this is a copy in a child process, and the parent counts on."""
        self._open, self._pending = False, []

    def kept(self, *, late: bool = True) -> list[tuple[int, dict[str, Any]]]:
        """The events that the answer carries, with their numbers: 2 MB, and with `late` the large displays."""
        with self._lock:
            if not late:
                self._kept.give_up_late()
            return self._kept.events()

    def _flush_later(self) -> None:
        """See to it that a print which is followed by a long silence is shown all the same."""
        if not self._flusher:
            self._flusher = True
            threading.Thread(target=self._flush_regularly, daemon=True).start()

    def _flush_regularly(self) -> None:
        while self._open:
            time.sleep(TEXT_AFTER_S)
            self.flush()

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "•" * 6)
        return text

    def _write(self, event: dict[str, Any]) -> None:
        if not self._open:
            return
        body = _event_json(event)
        seq, self.count = self.count, self.count + 1
        parts = -(-len(body) // FRAGMENT_BYTES)
        lines = (
            f"@FJ1:{self._run}:{seq}:{part}/{parts}:{body[at : at + FRAGMENT_BYTES]}\n"
            for part, at in enumerate(range(0, len(body), FRAGMENT_BYTES), start=1)
        )
        _write_all(self._fd, "".join(lines).encode())
        self._kept.add(seq, event, len(body))


class Stream(io.TextIOBase):
    """Takes the place of `sys.stdout` or `sys.stderr` while a cell runs; one for the life of the process.

    Who keeps it, as the handlers of `logging` do, writes to the cell that runs then. Threads that were there before
    the cell are the host's: what they print goes to the log, not into the cell.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, name: str, fd: int, log_fd: int) -> None:
        self.name = f"<{name}>"
        self._name, self._fd, self._log_fd = name, fd, log_fd
        self._events: Events | None = None
        self._before: Callable[[], None] = lambda: None
        self._hosts: Set[int | None] = set()

    def lead_to(self, events: Events, before: Callable[[], None], hosts: Set[int | None]) -> None:
        """Write to this run from now on, after `before`; from the threads `hosts` to the log."""
        self._events, self._before, self._hosts = events, before, hosts

    def lead_back(self) -> None:
        """Write to the log from now on."""
        self._events = None

    def leave(self) -> None:
        """In a child process that was forked: write to the descriptor, which leads to the parent."""
        if self._events is not None:
            self._events.leave()
        self._events, self._log_fd = None, self._fd

    def write(self, text: str) -> int:
        """Pass text on as an event."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        events = self._events
        if events is None or threading.get_ident() in self._hosts:
            _write_all(self._log_fd, text.encode(errors="backslashreplace"))
        elif text:
            self._before()
            events.text(self._name, text)
        return len(text)

    def flush(self) -> None:
        """Make what was written visible now."""
        if self._events is not None:
            self._events.flush()

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The descriptor below, for programs that are handed one."""
        return self._fd


def _write_all(fd: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        view = view[os.write(fd, view) :]
