"""What a worker of a deployed bundle is at: the manifest of its bundle, and the job that it runs now."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: the root of the bundle, which has this file as flash_jupyter/worker/current.py
ROOT = Path(__file__).parents[2]
FILE_NAME = "flash_manifest.json"


@functools.cache
def read_manifest() -> Mapping[str, Any]:
    """Return the manifest; empty where there is none."""
    try:
        found = json.loads((ROOT / FILE_NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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
