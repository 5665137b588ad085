"""The clock of one embedded Runpod: the machine's, and what an administrator has put it forward by.

Retention, idle timeout, time to live, expiry and billing are reckoned by it. Polls and connections are held by the
event loop's own time, which nobody moves. A server that is started anew has the machine's time again.
"""

from __future__ import annotations

from collections.abc import Callable


class AdminClock:
    """Seconds since the epoch, possibly ahead of the machine's.

    >>> clock = AdminClock(lambda: 100.0)
    >>> clock.advance(60.0)
    >>> clock()
    160.0
    """

    def __init__(self, base: Callable[[], float]) -> None:
        self._base = base
        self.ahead_s = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self._base() + self.ahead_s

    def advance(self, seconds: float) -> None:
        """Put it forward; never back, for times in the store would lie ahead of it."""
        self.ahead_s += seconds
