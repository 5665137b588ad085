"""What a cell shows while it runs, as events: lines on the worker's own stdout, which the log stream carries home.

A line is `@FJ1:<run>:<seq>:<part>/<n>:<fragment>`; the fragments of one `seq` make a JSON object. The run id is random,
so that what the cell prints can't pass for an event. Text is collected for a moment before it becomes an event:
a hundred thousand small prints are a few hundred lines.
"""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

#: a log line is cut at about 4 KiB on its way (runpod SDK 1.12, `RUNPOD_LOG_LEVEL`), so a fragment stays below
FRAGMENT_BYTES = 3 * 1024 - 64
#: events that the answer itself carries, first and last
KEPT_BYTES = 1_000_000
TEXT_FROM_CHARS = 2 * 1024
TEXT_AFTER_S = 0.05


class Events:
    """The events of one run: writes each to the log, and keeps the first and the last for the answer."""

    def __init__(self, run: str, fd: int, secrets: Iterable[str] = ()) -> None:
        self.count = 0
        self._run, self._fd = run, fd
        self._secrets = [secret for secret in secrets if len(secret) >= 6]
        self._lock = threading.RLock()
        self._pending: list[str] = []
        self._pending_name, self._pending_chars, self._pending_since = "", 0, 0.0
        self._head: list[tuple[int, dict[str, Any]]] = []
        self._tail: deque[tuple[int, dict[str, Any], int]] = deque()
        self._head_bytes = self._tail_bytes = 0
        self._open, self._flusher = True, False

    def text(self, name: str, text: str) -> None:
        """Take a piece of stdout or stderr."""
        with self._lock:
            if name != self._pending_name:
                self.flush()
                self._pending_name, self._pending_since = name, time.monotonic()
            self._pending.append(text)
            self._pending_chars += len(text)
            self._flush_later()
            if self._pending_chars >= TEXT_FROM_CHARS or time.monotonic() - self._pending_since > TEXT_AFTER_S:
                self.flush()

    def flush(self) -> None:
        """Make an event of the text that waits."""
        with self._lock:
            name, text = self._pending_name, "".join(self._pending)
            self._pending, self._pending_name, self._pending_chars = [], "", 0
            if text:
                self._write({"t": name, "text": self._mask(text)})

    def emit(self, event: dict[str, Any]) -> None:
        """Write an event, after the text that came before it."""
        with self._lock:
            self.flush()
            self._write(event)

    def close(self) -> None:
        """End the run: text that threads of the cell print later belongs to no cell, and is dropped."""
        self.emit({"t": "done"})
        self._open = False

    def kept(self) -> list[tuple[int, dict[str, Any]]]:
        """The first and the last events with their numbers, at most 2 MB."""
        with self._lock:
            return [*self._head, *((seq, event) for seq, event, _ in self._tail)]

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
        body = json.dumps(event, separators=(",", ":"))
        seq, self.count = self.count, self.count + 1
        parts = -(-len(body) // FRAGMENT_BYTES)
        lines = (
            f"@FJ1:{self._run}:{seq}:{part}/{parts}:{body[at : at + FRAGMENT_BYTES]}\n"
            for part, at in enumerate(range(0, len(body), FRAGMENT_BYTES), start=1)
        )
        _write_all(self._fd, "".join(lines).encode())
        self._keep(seq, event, len(body))

    def _keep(self, seq: int, event: dict[str, Any], size: int) -> None:
        if not self._tail and self._head_bytes + size <= KEPT_BYTES:
            self._head.append((seq, event))
            self._head_bytes += size
            return
        self._tail.append((seq, event, size))
        self._tail_bytes += size
        while self._tail_bytes > KEPT_BYTES and len(self._tail) > 1:
            self._tail_bytes -= self._tail.popleft()[2]


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
        self._hosts: set[int | None] = set()

    def lead_to(self, events: Events | None, before: Callable[[], None] = lambda: None) -> None:
        """Write to this run from now on, after `before`; to the log where there is none."""
        self._hosts = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}
        self._events, self._before = events, before

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


class NoInput(io.TextIOBase):
    """Takes the place of `sys.stdin`: nobody can answer."""

    def readline(self, _size: int | None = -1, /) -> str:  # type: ignore[override]
        """Refuse at once instead of waiting for ever."""
        raise RuntimeError("input() does not work on a worker: nobody can type there. Ask in a cell without %%remote.")

    def read(self, _size: int | None = -1, /) -> str:
        """Refuse as `readline` does."""
        return self.readline()

    def readable(self) -> bool:
        """Yes, so that `input` asks."""
        return True


def _write_all(fd: int, body: bytes) -> None:
    view = memoryview(body)
    while view:
        view = view[os.write(fd, view) :]
