"""All that a job said, as a file: a line of JSON an event, with its number. So output outlives kernel and worker.

Several processes may add to it, one after the other or at once: who reads it takes each number once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from flash_jupyter.session.writer import BackgroundWriter

#: a number and an event's JSON form
Numbered = tuple[int, dict[str, Any]]


class Journal:
    """The file of one job; written in the background, each line at once, so that a killed process loses nothing."""

    def __init__(self, path: Path, writer: BackgroundWriter) -> None:
        self.path, self.lines = path, 0
        self._writer = writer
        self._file: BinaryIO | None = None

    def keep(self, seq: int, event: dict[str, Any]) -> None:
        """Add an event."""
        self.lines += 1
        line = json.dumps({"seq": seq, "event": event}, separators=(",", ":")).encode() + b"\n"
        self._writer.put(partial(self._append, line))

    def restart(self) -> None:
        """Forget everything: the job begins anew."""
        self.lines = 0
        self._writer.put(self._truncate)

    def close(self) -> None:
        """Close the file, in the background."""
        self._writer.put(self._close)

    def _append(self, line: bytes) -> None:
        self._opened().write(line)

    def _truncate(self) -> None:
        self._opened().truncate(0)

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)  # it holds what cells print
            self._file = self.path.open("ab", buffering=0)
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


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
