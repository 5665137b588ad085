"""Counting requests in fixed windows of time, as the platform's limits do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any


@dataclass
class Window:
    """So many requests in so many seconds; the window begins with its first request."""

    name: str
    quota: int
    length_s: float
    used: int = 0
    began_at: float = field(default=float("-inf"))

    def count(self, now: float) -> bool:
        """Count a request; False when it is one too many.

        >>> window = Window("minute", quota=1, length_s=60)
        >>> window.count(0.0), window.count(59.0), window.count(60.0)
        (True, False, True)
        """
        if now - self.began_at >= self.length_s:
            self.began_at, self.used = now, 0
        if self.used >= self.quota:
            return False
        self.used += 1
        return True

    def resets_in(self, now: float) -> int:
        """Whole seconds until the window ends."""
        return max(1, round(self.began_at + self.length_s - now))

    def show(self, now: float) -> dict[str, Any]:
        """Return how many requests were counted, and when that is forgotten; 0 s where none was.

        >>> Window("minute", quota=60, length_s=60, used=2, began_at=0.0).show(50.0)
        {'name': 'minute', 'quota': 60, 'used': 2, 'resets_in_s': 10}
        """
        is_over = now - self.began_at >= self.length_s
        used, resets_in_s = (0, 0) if is_over else (self.used, self.resets_in(now))
        return {"name": self.name, "quota": self.quota, "used": used, "resets_in_s": resets_in_s}

    def reset(self) -> None:
        """Forget what was counted."""
        self.used, self.began_at = 0, float("-inf")


class ControlLimiter:
    """The control plane's three windows and their headers (`RateLimit`, `RateLimit-Policy` of the REST v2 document)."""

    def __init__(self, windows: Sequence[Window], clock: Callable[[], float]) -> None:
        self._windows, self._clock = list(windows), clock

    def count(self) -> Window | None:
        """Count a request; returns the window that is full, if one is."""
        now = self._clock()
        full = [window for window in self._windows if not window.count(now)]
        return full[0] if full else None

    def retry_after(self, window: Window) -> int:
        """Whole seconds until that window ends."""
        return window.resets_in(self._clock())

    def show(self) -> list[dict[str, Any]]:
        """Return the windows, the shortest first."""
        now = self._clock()
        return [window.show(now) for window in self._windows]

    def reset(self) -> None:
        """Forget what was counted."""
        for window in self._windows:
            window.reset()

    def headers(self) -> dict[str, str]:
        """Return what every authenticated answer carries."""
        now = self._clock()
        state = (f'"{w.name}";r={w.quota - w.used};t={w.resets_in(now)}' for w in self._windows)
        policy = (f'"{w.name}";q={w.quota};w={w.length_s:.0f}' for w in self._windows)
        return {"RateLimit": ", ".join(state), "RateLimit-Policy": ", ".join(policy)}

    def date(self) -> str:
        """Return the time as HTTP writes it; the control plane's, which an administrator may have put forward."""
        return formatdate(self._clock(), usegmt=True)


class QueueLimiter:
    """The data plane's table: requests in ten seconds, for each endpoint and operation."""

    WINDOW_S = 10.0

    def __init__(self, table: Callable[[str], int | None], clock: Callable[[], float]) -> None:
        self._table, self._clock = table, clock
        self._windows: dict[tuple[str, str], Window] = {}

    def count(self, endpoint_id: str, operation: str) -> Window | None:
        """Count a request; returns the window when it is full."""
        quota = self._table(operation)
        if quota is None:
            return None
        window = self._windows.setdefault((endpoint_id, operation), Window(operation, quota, self.WINDOW_S))
        return None if window.count(self._clock()) else window

    def retry_after(self, window: Window) -> int:
        """Whole seconds until that window ends."""
        return window.resets_in(self._clock())

    def forget(self, endpoint_id: str) -> None:
        """Drop the windows of a deleted endpoint."""
        for key in [key for key in self._windows if key[0] == endpoint_id]:
            del self._windows[key]
