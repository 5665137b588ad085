"""One deploy of an environment at a time on this machine: who comes second waits, and is told so."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import AsyncFileLock, Timeout


@asynccontextmanager
async def in_turn(path: Path, say: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the lock of this file; `say` is called once where somebody else has it."""
    lock = AsyncFileLock(path)
    try:
        await lock.acquire(blocking=False)
    except Timeout:
        say()
        await lock.acquire()
    try:
        yield
    finally:
        await lock.release()
