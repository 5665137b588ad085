"""Text output with a bound: the head is shown at once, the tail at the end, what lies between is counted.

A notebook that saved 50 MB of prints can't be opened any more (jupyter/notebook issue 4583); the log file
has it all.
"""

from __future__ import annotations

from collections import deque


class HeadAndTail:
    """Text of several streams, of which about `limit` characters are kept, half of them from the beginning.

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
