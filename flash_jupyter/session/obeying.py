"""Jobs that another process cancelled before this one had written down what the platform calls them.

Whoever cancels writes first, then looks for the platform's id; here the id is written first. So one of both sees it.
"""

from __future__ import annotations

import asyncio
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

    def watch(self, job_id: str, cancel: Callable[[], None]) -> None:
        """Look whether a job was cancelled, and call `cancel` in the running loop then."""
        self._new.append((job_id, partial(asyncio.get_running_loop().call_soon_threadsafe, cancel)))
        if len(self._new) == 1:
            self._writer.put(self._look)

    def _look(self) -> None:
        new: dict[str, Callable[[], object]] = {}
        while self._new:
            job_id, cancel = self._new.popleft()
            new[job_id] = cancel
        for job_id in self._store.cancelled(list(new)):
            new[job_id]()
