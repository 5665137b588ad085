"""The job that a worker runs now: since when, and how long its caller waits for it."""

from __future__ import annotations

import contextlib
import contextvars
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Current:
    """`began` is a time of `time.monotonic`; `timeout_s` is None where the caller said nothing."""

    began: float
    timeout_s: float | None = None


_current: contextvars.ContextVar[Current | None] = contextvars.ContextVar("flash_jupyter_current", default=None)


def current() -> Current | None:
    """Return the job that the calling code belongs to; None outside of one."""
    return _current.get()


@contextlib.contextmanager
def serving(timeout_s: float | None = None) -> Iterator[None]:
    """Run a job's own call: remote functions that are called meanwhile are called by the user's code.

    Inside of another it changes nothing: the outermost is the job.
    """
    if _current.get() is not None:
        yield
        return
    token = _current.set(Current(time.monotonic(), timeout_s))
    try:
        yield
    finally:
        _current.reset(token)
