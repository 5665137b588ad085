"""Sees to it that the collector of this process is there once a job may outlive it; its other end: `collector.py`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading

from flash_jupyter.session.local import Outliving
from flash_jupyter.settings import Settings

#: a job that lasts longer may outlive its kernel, so its collector is started; a shorter one costs nothing
KEEP_AFTER_S = 2.0

#: those that may still run; one that ended before this process is waited for when the next one is started
_children: list[Outliving] = []


class Keeper:
    """Starts the collector at most once, and tells it what it needs over a pipe: where things are, and the key.

    The pipe is also how the collector hears of our end, however that comes about. The key is on no disk.
    """

    def __init__(self, settings: Settings, session_id: str) -> None:
        self._settings, self._session_id = settings, session_id
        self._lock = threading.Lock()
        self._process: Outliving | None = None

    def start(self) -> None:
        """Start the collector, unless it runs; some milliseconds."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            with contextlib.suppress(OSError):  # no process to be had: jobs are followed by whoever comes next
                self._process = self._started()

    def close(self) -> None:
        """Let go: the collector brings home what is open, or ends."""
        with self._lock:
            process, self._process = self._process, None
            if process is not None and process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()

    def _started(self) -> Outliving:
        home = self._settings.home
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        process = Outliving(
            [sys.executable, "-m", "flash_jupyter.session.collector"],
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt of the kernel, or its end, must not reach it
        )
        _children[:] = [*(child for child in _children if child.poll() is None), process]
        assert process.stdin is not None
        process.stdin.write(json.dumps(order_of(self._settings, self._session_id)).encode() + b"\n")
        process.stdin.flush()
        return process


def order_of(settings: Settings, session_id: str) -> dict[str, object]:
    """Return what a collector needs to know, the key included: for a pipe, never for a file."""
    return {
        "session_id": session_id,
        "pid": os.getpid(),
        "settings": {
            "home": str(settings.home),
            "cache": str(settings.cache),
            "owner": settings.owner,
            "backend": settings.backend,
            "api_key": settings.api_key,
            "key_origin": settings.key_origin,
            "api_url": settings.api_url,
            "endpoint_url": settings.endpoint_url,
            "waiting_after_s": settings.waiting_after_s,
            "give_up_unhealthy_s": settings.give_up_unhealthy_s,
        },
    }
