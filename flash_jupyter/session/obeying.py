"""Jobs that another process cancelled before this one had written down what the platform calls them.

Whoever cancels writes first, then looks for the platform's id; here the id is written first. So one of both sees it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from functools import partial

from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.writer import BackgroundWriter


class Obeying:
    """Looks once for all jobs that were accepted in the meantime, in the background."""

    def __init__(self, store: JobStore, writer: BackgroundWriter) -> None:
        self._store, self._writer = store, writer
        self._new: deque[tuple[str, Callable[[], object]]] = deque()
        self._looks_soon = False

    def watch(self, job_id: str, cancel: Callable[[], None]) -> None:
        """Look whether a job was cancelled, and call `cancel` in the running loop then."""
        self._new.append((job_id, partial(asyncio.get_running_loop().call_soon_threadsafe, cancel)))
        if not self._looks_soon:
            self._writer.put(self._look)
            self._looks_soon = True

    def _look(self) -> None:
        self._looks_soon = False
        new = dict(self._new.popleft() for _ in range(len(self._new)))
        try:
            cancelled = self._store.cancelled(list(new))
        except Exception:  # the next job's look is theirs, too
            self._new.extend(new.items())
            raise
        for job_id in cancelled:
            with contextlib.suppress(RuntimeError):  # its loop is closed
                new[job_id]()
