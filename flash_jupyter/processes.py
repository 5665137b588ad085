"""Which process is meant: its number and when it began, for numbers are used again."""

from __future__ import annotations

import psutil


def mark_of_this() -> str:
    """Return `PID:CREATED` of this process, CREATED in seconds since the epoch, as the machine tells it."""
    process = psutil.Process()
    return f"{process.pid}:{process.create_time():.2f}"


def lives(pid: int | str, created: float | str) -> bool:
    """Whether the process that began then still runs; a zombie does not. Raises `ValueError` for texts that are none.

    One that this user may not look at counts as alive: what it owns is not ours to remove.

    >>> lives(*mark_of_this().split(":")), lives(999999999, 1.0)
    (True, False)
    """
    began = float(created)
    try:
        process = psutil.Process(int(pid))
        return abs(process.create_time() - began) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True  # it is another user's
