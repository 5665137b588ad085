"""A flood of output: how much of it is shown, how often, and without what carriage returns overwrite. Pure."""

from __future__ import annotations

from collections import deque
from functools import reduce


class HeadAndTail:
    """Text of several streams, of which about `limit` characters are kept: the head at once, the tail at the end.

    A notebook that saved 50 MB of prints can't be opened any more (jupyter/notebook issue 4583); the log file has all.

    >>> text = HeadAndTail(8)
    >>> text.take("stdout", "abcdef"), text.take("stdout", "ghijkl")
    ('abcd', '')
    >>> text.tail(), text.left_out
    ([('stdout', 'ijkl')], 4)
    """

    def __init__(self, limit: int) -> None:
        self._head_left = limit // 2
        self._tail_limit = limit - limit // 2
        self._tail: deque[tuple[str, str]] = deque()
        self._tail_size = 0
        self.left_out = 0

    def take(self, name: str, text: str) -> str:
        """Take text of the stream `name`; return the part of it which is to be shown now."""
        head, rest = text[: self._head_left], text[self._head_left :]
        self._head_left -= len(head)
        if rest:
            self._tail.append((name, rest))
            self._tail_size += len(rest)
            self._trim()
        return head

    def tail(self) -> list[tuple[str, str]]:
        """What was held back and is still there, as (stream, text) in order."""
        return list(self._tail)

    def _trim(self) -> None:
        while self._tail_size > self._tail_limit:
            name, text = self._tail.popleft()
            surplus = min(len(text), self._tail_size - self._tail_limit)
            self.left_out += surplus
            self._tail_size -= surplus
            if text[surplus:]:
                self._tail.appendleft((name, text[surplus:]))


#: so many pieces within a second are a flood
BURST = 10
INTERVAL_S = 0.5


class Pace:
    """Says for each piece when it may be shown; times are seconds of a monotonic clock.

    Frontends choke on floods (progress bars with 4 updates a second tripped JupyterLab, howso-engine-py pull request
    733), and Jupyter's server drops output above a rate ("IOPub data rate exceeded").

    >>> pace = Pace()
    >>> [pace.wait_s(0.01 * n) for n in range(9)] == [0.0] * 9
    True
    >>> round(pace.wait_s(0.09), 2), round(pace.wait_s(0.3), 2), pace.wait_s(0.6)
    (0.49, 0.28, 0.0)
    """

    def __init__(self) -> None:
        self._arrivals: deque[float] = deque(maxlen=BURST)
        self._shown_at = float("-inf")

    def wait_s(self, now: float) -> float:
        """Return how long the piece that comes now has to wait; 0 means that it, and all before it, is shown now."""
        self._arrivals.append(now)
        is_flood = len(self._arrivals) == BURST and now - self._arrivals[0] < 1.0
        wait_s = max(0.0, self._shown_at + INTERVAL_S - now) if is_flood else 0.0
        if not wait_s:
            self.shown(now)
        return wait_s

    def shown(self, now: float) -> None:
        """Note that something is shown now."""
        self._shown_at = now


def without_overwritten(text: str) -> str:
    r"""Leave out what would be overwritten at once; where the text begins and ends, a line may go on, so `\r` stays.

    >>> without_overwritten("\r 1 %\r 2 %\r 3 %")
    '\r 3 %'
    >>> without_overwritten("a\rbc\nold\rne\r\n1\r")
    'a\rbc\nned\n1\r'
    """
    if "\r" not in text:
        return text
    *finished, last = text.split("\n")
    lines = [line.rstrip("\r") for line in finished] + [last]
    return "\n".join([_first_line(lines[0]), *map(_line, lines[1:])])


def _first_line(line: str) -> str:
    """What stands before the first carriage return goes on with a line that is shown already."""
    begun, *states = line.split("\r")
    return begun + "\r" + _line("\r".join(states)) if states else begun


def _line(line: str) -> str:
    *states, last = line.split("\r")
    if not states:
        return last
    return _written_over(reduce(_written_over, states), last) + ("" if last else "\r")


def _written_over(old: str, new: str) -> str:
    """As a terminal does; text with escape sequences, whose width nobody knows here, clears the line itself."""
    return new if "\x1b" in new else new + old[len(new) :]
