"""A worker's log: what its process writes into a file, and what the server says about it, in one order.

The process writes to the file itself, so that it does not notice when the server dies. The server indexes the lines
as they appear: each gets a strictly increasing time in microseconds, which is also its id in the stream of events. The
index is a file too, so ids stay what they were when the server is started anew. Texts are read when asked for.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

#: a line without end is cut here
LONGEST_LINE_BYTES = 64 * 1024
#: a larger buffer would be asked of the system anew for each look, and most find a line or nothing
_READ_BYTES = 1 << 16
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)")
_EVENT = re.compile(r"@FJ1:[0-9a-f]{16}:\d+:1/1:(\{.*\})")


@dataclass(frozen=True)
class LogLine:
    """One line; `at_us` is microseconds since the epoch, `source` is `container` or `system`."""

    at_us: int
    source: str
    text: str


class WorkerLog:
    """The log of one worker. Index record: time, offset in the file, length; a system line's offset is `~offset`."""

    def __init__(self, folder: Path, worker_id: str, clock: Callable[[], float]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.container_path = folder / f"{worker_id}.log"
        self.container_path.touch(mode=0o600)
        self._system_path = folder / f"{worker_id}.system"
        self._index_path = folder / f"{worker_id}.index"
        self._clock = clock
        self._files: dict[Path, int] = {}
        self._listeners: set[asyncio.Event] = set()
        self.container_path.touch()
        self._times, self._offsets, self._lengths = self._load_index()
        #: bytes of the container's file that are indexed
        self._done = self._find_end()
        self.ended = False

    @property
    def last_us(self) -> int:
        """The time of the last line; 0 without one."""
        return self._times[-1] if self._times else 0

    def __len__(self) -> int:
        return len(self._times)

    def _load_index(self) -> tuple[array[int], array[int], array[int]]:
        flat = array("q")
        if self._index_path.exists():
            content = self._index_path.read_bytes()
            flat.frombytes(content[: len(content) // 24 * 24])
        return flat[0::3], flat[1::3], flat[2::3]

    def _find_end(self) -> int:
        spans = zip(self._offsets, self._lengths, strict=True)
        end = max((offset + length for offset, length in spans if offset >= 0), default=0)
        ends_with_newline = end and os.pread(self._file(self.container_path), 1, end) == b"\n"
        return end + 1 if ends_with_newline else end

    def _file(self, path: Path) -> int:
        if path not in self._files:
            self._files[path] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        return self._files[path]

    def close(self) -> None:
        """Close the files; a later read opens them again."""
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()

    def end(self) -> None:
        """Take what is left, the unfinished line too; nothing comes after this."""
        self.drain(final=True)
        self.ended = True
        self.wake()
        self.close()

    def remove(self) -> None:
        """Delete the files; from now on there is no line."""
        self.close()
        self._times, self._offsets, self._lengths = array("q"), array("q"), array("q")
        for path in (self.container_path, self._system_path, self._index_path):
            path.unlink(missing_ok=True)

    # --- writing -----------------------------------------------------------------------------------------------

    def system(self, text: str) -> None:
        """Add a line of the server's own."""
        line = text.replace("\n", " ").encode() + b"\n"
        descriptor = self._file(self._system_path)
        offset = os.lseek(descriptor, 0, os.SEEK_END)
        os.write(descriptor, line)
        self._add([(~offset, len(line) - 1)])

    def drain(self, *, final: bool = False) -> int:
        """Index what the process has written since the last time; returns the number of new lines."""
        before = len(self._times)
        descriptor = self._file(self.container_path)
        while True:
            block = os.pread(descriptor, _READ_BYTES, self._done)
            spans, taken = _split(block, self._done, final=final and len(block) < _READ_BYTES)
            self._done += taken
            if spans:
                self._add(spans)
            if len(block) < _READ_BYTES:
                break
        return len(self._times) - before

    def _add(self, spans: list[tuple[int, int]]) -> None:
        at_us = int(self._clock() * 1e6)
        if self._times:
            at_us = max(at_us, self._times[-1] + 1)
        record = array("q")
        for number, (offset, length) in enumerate(spans):
            record.extend((at_us + number, offset, length))
        os.write(self._file(self._index_path), record.tobytes())
        self._times.extend(record[0::3])
        self._offsets.extend(record[1::3])
        self._lengths.extend(record[2::3])
        self.wake()

    # --- reading -----------------------------------------------------------------------------------------------

    def subscribe(self, event: asyncio.Event) -> None:
        """Set `event` whenever there are new lines, and when the log ends."""
        self._listeners.add(event)

    def unsubscribe(self, event: asyncio.Event) -> None:
        """Stop telling."""
        self._listeners.discard(event)

    def wake(self) -> None:
        """Wake those who wait for lines."""
        for event in self._listeners:
            event.set()

    def position_of(self, at_us: int) -> int:
        """Return the position of the first line at or after a time."""
        return bisect_left(self._times, at_us)

    def position_of_tail(self, count: int, source: str | None = None) -> int:
        """Return where the last `count` lines begin; of one source, if there is one."""
        if source is None:
            return max(0, len(self) - count)
        position = len(self)
        while position > 0 and count > 0:
            position -= 1
            count -= self._source(position) == source
        return position

    def _source(self, position: int) -> str:
        return "container" if self._offsets[position] >= 0 else "system"

    def lines(self, start: int, stop: int, source: str | None = None) -> list[LogLine]:
        """Return lines by position; the container's are read in one piece."""
        chosen = [p for p in range(start, min(stop, len(self))) if source is None or self._source(p) == source]
        spans = [(self._offsets[p], self._lengths[p]) for p in chosen if self._offsets[p] >= 0]
        first = spans[0][0] if spans else 0
        block = b""
        if spans:
            block = os.pread(self._file(self.container_path), spans[-1][0] + spans[-1][1] - first, first)
        lines = []
        for position in chosen:
            offset, length = self._offsets[position], self._lengths[position]
            if offset >= 0:
                text = block[offset - first : offset - first + length]
            else:
                text = os.pread(self._file(self._system_path), length, ~offset)
            lines.append(LogLine(self._times[position], self._source(position), text.decode(errors="replace")))
        return lines

    def last_words(self, count: int, *, since: int = 0) -> list[str]:
        """Return the last lines that a person can read, for an error's text; none before the position `since`."""
        start = max(since, self.position_of_tail(count * 4, "container"))
        readable = [_readable(line.text) for line in self.lines(start, len(self), "container")]
        return "".join(text for text in readable if text).splitlines()[-count:]


def _split(block: bytes, offset: int, *, final: bool) -> tuple[list[tuple[int, int]], int]:
    r"""Return (offset, length) of each finished line, and how many bytes that took.

    A line without end is cut at the longest length, never inside of a UTF-8 character.

    >>> _split(b"a\nbc\nd", 10, final=False)
    ([(10, 1), (12, 2)], 5)
    >>> _split(b"d", 15, final=True)
    ([(15, 1)], 1)
    """
    spans, start = [], 0
    while (end := block.find(b"\n", start)) >= 0:
        spans.append((offset + start, end - start))
        start = end + 1
    while len(block) - start >= LONGEST_LINE_BYTES:
        length = _whole_characters(block[start : start + LONGEST_LINE_BYTES])
        spans.append((offset + start, length))
        start += length
    if final and start < len(block):
        spans.append((offset + start, len(block) - start))
        start = len(block)
    return spans, start


def _whole_characters(piece: bytes) -> int:
    """Return the length without a UTF-8 character that is cut off at the end.

    >>> _whole_characters("aä".encode()[:2])
    1
    """
    for back in range(1, 4):
        byte = piece[-back]
        if byte >= 0xC0:  # a first byte: is all of its character here?
            return len(piece) - back if back < (2 + (byte >= 0xE0) + (byte >= 0xF0)) else len(piece)
        if byte < 0x80:
            break
    return len(piece)


def _readable(line: str) -> str | None:
    """Return what a line shows a person: the text of a driver's event, or the line itself."""
    if "@FJ1:" not in line:
        return line + "\n"
    event = _EVENT.search(line)
    try:
        document = json.loads(event[1]) if event else {}
    except ValueError:
        return None
    return document.get("text") if document.get("t") in ("stdout", "stderr") else None


def format_time(at_us: int) -> str:
    """Return RFC 3339 with microseconds.

    >>> format_time(1_780_000_000_000_001)
    '2026-05-28T20:26:40.000001Z'
    """
    moment = _EPOCH + timedelta(microseconds=at_us)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def show_time(at: float) -> str:
    """Return RFC 3339 for seconds since the epoch."""
    return format_time(int(at * 1e6))


def parse_time(text: str) -> int:
    """Return microseconds since the epoch; raises `ValueError`. A `+` that a query turned into a blank is understood.

    >>> parse_time("2026-05-28T20:26:40.000001Z")
    1780000000000001
    >>> parse_time("2026-05-28T22:26:40+02:00")
    1780000000000000
    """
    match = _RFC3339.fullmatch(text.strip().replace(" ", "+"))
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time")
    zone = "+00:00" if match[3] == "Z" else match[3]
    moment = datetime.fromisoformat(match[1] + zone)
    fraction = int((match[2] or "").ljust(6, "0")[:6])
    return (moment - _EPOCH) // timedelta(microseconds=1) + fraction
