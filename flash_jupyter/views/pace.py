"""How often output may be shown: what comes seldom at once, a flood twice a second.

Frontends choke on more (progress bars with 4 updates a second tripped JupyterLab, howso-engine-py pull request 733),
and Jupyter's server drops output above a rate ("IOPub data rate exceeded").
"""

from __future__ import annotations

from collections import deque

#: so many pieces within a second are a flood
BURST = 10
INTERVAL_S = 0.5


class Pace:
    """Says for each piece when it may be shown; times are seconds of a monotonic clock.

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
