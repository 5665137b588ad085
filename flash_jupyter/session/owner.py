"""Which session a job belongs to, in a form that is still true when its pid belongs to another process."""

from __future__ import annotations

import os
import platform
import secrets

import psutil


def new_session_id() -> str:
    """Return what names a session among all of all machines: host, pid, create time of the process, and chance."""
    pid = os.getpid()
    return f"{platform.node()}:{pid}:{psutil.Process(pid).create_time():.2f}:{secrets.token_hex(3)}"


def may_live(session_id: str) -> bool:
    """Whether a session's process runs, as far as can be seen from here: one of another host is taken to be alive."""
    host, _, rest = session_id.partition(":")
    pid, _, created = rest.rpartition(":")[0].partition(":")
    if not pid.isdigit():
        return False  # an older version's job, which names none
    if host != platform.node():
        return True
    try:
        found = psutil.Process(int(pid))
        return abs(found.create_time() - float(created)) < 1 and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False
