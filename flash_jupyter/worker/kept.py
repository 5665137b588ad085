"""Which events of a run its answer carries: the first, the last, and displays that are too large for the log.

Of a cell that prints without end the log has everything, the answer the beginning and the end. A large display is the
other way round: in the log a note stands at its place, the answer brings it.
"""

from __future__ import annotations

from collections import deque
from typing import Any

Event = dict[str, Any]

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
