"""What a cell shows while it runs: events, and how they are put together again from a worker's log lines.

A line is `@FJ1:<run>:<seq>:<part>/<n>:<fragment>`; `seq` counts from 0, parts from 1. The marker may stand anywhere in
a line (C code prints without a newline before it), and the line may be wrapped as JSON by an SDK's logger. The run id
is random, so that nothing which the cell prints can pass for an event.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stream:
    """Text that was printed; `name` is `stdout` or `stderr`."""

    name: str
    text: str


@dataclass(frozen=True)
class Display:
    """A rich output; with `update` it replaces the one with the same `display_id`."""

    data: dict[str, Any]
    metadata: dict[str, Any] = field(default_factory=dict)
    display_id: str | None = None
    update: bool = False


@dataclass(frozen=True)
class Clear:
    """`clear_output`; with `wait` only when the next output comes."""

    wait: bool = False


@dataclass(frozen=True)
class Phase:
    """The job came to another station: one of `states.PHASES`, or `cancelling`.

    `worker_id` is there once the platform has told it.
    """

    name: str
    detail: str = ""
    worker_id: str | None = None


@dataclass(frozen=True)
class Sent:
    """The job goes to this endpoint now; `backend` is `local` or `runpod`, the price None where nothing is billed."""

    backend: str
    endpoint: str
    hardware: str = ""
    price_per_hour_usd: float | None = None
    job_id: str = ""


@dataclass(frozen=True)
class Measured:
    """What a job took, as the platform and its worker measured it; what is None or missing was not told.

    `delay_ms` is queue and cold start together, `execution_ms` what is billed; `phases_s` are the worker's own, in
    seconds: `dependencies`, `running`, `returning`.
    """

    worker_id: str | None = None
    delay_ms: int | None = None
    execution_ms: int | None = None
    cost_usd: float | None = None
    phases_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Logged:
    """Where all that the job prints is written down, on this machine."""

    path: Path


@dataclass(frozen=True)
class Notice:
    """A one-line message of ours to the user, e.g. a warning."""

    text: str


@dataclass(frozen=True)
class Waiting:
    """Why a queued job waits, in one sentence, and what the user can do; an empty `text`: it waits no longer.

    `wait` is the same for all jobs that wait at the same queue, `cause` names the reason in a word or two.
    """

    text: str
    action: str
    cause: str = ""
    wait: str = ""


Event = Stream | Display | Clear | Phase | Sent | Measured | Waiting | Logged | Notice


@dataclass(frozen=True)
class Fragment:
    """A part of one event, as one log line carries it."""

    run: str
    seq: int
    part: int
    parts: int
    text: str


_MARKER = re.compile(r"@FJ1:([0-9a-f]{16}):(\d{1,12}):(\d{1,6})/(\d{1,6}):(.*)", re.DOTALL)


def read_fragment(line: str) -> Fragment | None:
    """Find the fragment in a log line; None where there is none.

    >>> read_fragment('C text@FJ1:0123456789abcdef:4:1/1:{"t":"done"}').text
    '{"t":"done"}'
    >>> read_fragment("just a line") is None
    True
    """
    match = _MARKER.search(line)
    if match is None:
        return None
    if line.startswith("{"):
        match = _MARKER.search(_unwrap(line)) or match
    run, seq, part, parts, text = match.groups()
    return Fragment(run, int(seq), int(part), int(parts), text)


def read_event(data: dict[str, Any]) -> Event | None:
    """Make an event of its JSON form; None for `done`, and for kinds that this version does not know.

    >>> read_event({"t": "stdout", "text": "hello"})
    Stream(name='stdout', text='hello')
    """
    kind = data.get("t")
    if kind in ("stdout", "stderr"):
        return Stream(kind, str(data.get("text", "")))
    if kind in ("display", "update"):
        return Display(data.get("data") or {}, data.get("metadata") or {}, data.get("id"), kind == "update")
    if kind == "clear":
        return Clear(bool(data.get("wait")))
    if kind == "notice":
        return Notice(str(data.get("text", "")))
    if kind == "phase":
        return Phase(str(data.get("name", "")), str(data.get("detail", "")))
    return None


class EventAssembler:
    """Joins the fragments of one run into events, each once.

    An event is given out as soon as it is whole. What is missing before it is remembered, and may still come: from a
    stream that was opened again, or in the job's answer (`fill`).
    """

    def __init__(self, keep: Callable[[int, dict[str, Any]], None] | None = None) -> None:
        self.done = False
        #: what `done` says of the job's answer; None where the log does not have it
        self.answer: bytes | None = None
        #: gets every event once, with its number, as it came
        self.keep = keep
        self._next = 0
        self._missing: set[int] = set()
        #: displays of which only a note has come
        self._late: set[int] = set()
        self._parts: dict[int, dict[int, str]] = {}

    @property
    def has_begun(self) -> bool:
        """Whether anything has come."""
        return self._next > 0

    @property
    def is_complete(self) -> bool:
        """Whether everything has come."""
        return self.done and not self._missing and not self._late

    def feed(self, fragment: Fragment) -> list[Event]:
        """Take one fragment; return the events that it completes."""
        if not self._is_new(fragment.seq):
            return []
        parts = self._parts.setdefault(fragment.seq, {})
        parts[fragment.part] = fragment.text
        if len(parts) < fragment.parts:
            return []
        del self._parts[fragment.seq]
        try:
            data = json.loads("".join(parts[part] for part in sorted(parts)))
        except ValueError:  # cut or mixed up on its way: as if it had not come
            return []
        return self._accept(fragment.seq, data)

    def fill(self, events: Iterable[tuple[int, dict[str, Any]]], total: int | None) -> list[Event]:
        """Take the events that the answer carries; return those that the stream did not bring.

        `total` is how many there were; what is in neither is stated in a notice. While it is None, more may come.
        """
        found = [event for seq, data in events for event in [*self._replace(seq, data), *self._accept(seq, data)]]
        if total is None:
            return found
        self._reach(total)
        lost = len(self._missing)
        self._missing.clear()
        if lost:
            found.append(Notice(f"{lost} pieces of output were lost on the way"))
        return found

    def _replace(self, seq: int, data: dict[str, Any]) -> list[Event]:
        """Put a large display, which only the answer carries, where its note stands."""
        if seq not in self._late or data.get("late"):
            return []
        self._late.discard(seq)
        if self.keep is not None:
            self.keep(seq, data)
        event = read_event({**data, "t": "update"})
        return [event] if event is not None else []

    def _is_new(self, seq: int) -> bool:
        return seq >= self._next or seq in self._missing

    def _accept(self, seq: int, data: dict[str, Any]) -> list[Event]:
        if not self._is_new(seq):
            return []
        self._reach(seq)
        self._missing.discard(seq)
        self._next = max(self._next, seq + 1)
        if data.get("t") == "done":
            self.done, said = True, data.pop("answer", None)
            self.answer = base64.b64decode(said) if said else None
        if data.get("late"):
            self._late.add(seq)
        if self.keep is not None:
            self.keep(seq, data)
        event = read_event(data)
        return [event] if event is not None else []

    def _reach(self, seq: int) -> None:
        """Count everything before `seq` that has not come as missing."""
        self._missing.update(range(self._next, seq))
        self._next = max(self._next, seq)


def _unwrap(line: str) -> str:
    """Take the message out of an SDK logger's JSON line; other lines stay as they are.

    >>> _unwrap('{"requestId": null, "message": "hello", "level": "INFO"}')
    'hello'
    """
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return line
