"""A remote function that runs in this process: `local=True`, and every call that is made on a worker."""

from __future__ import annotations

import functools
import inspect
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from flash_jupyter.decorator.output import JobOutput
from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.own_type import in_own_type
from flash_jupyter.transport.loop import run_aside


@functools.cache
def is_worker() -> bool:
    """Whether this process runs jobs for somebody: the driver is loaded before anything of theirs (`shipping.py`)."""
    return any(name.startswith("_flash_jupyter_driver_") for name in sys.modules)


async def await_here(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> JobOutput:
    """Call a function here, await it where it wants that, and make an output of how it ended."""
    started_at = _now()
    try:
        value = function(*args, **kwargs)
        return _output(started_at, await value if inspect.isawaitable(value) else value)
    except Exception as error:
        return _output(started_at, failure=_failure(error))


def run_here(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> JobOutput:
    """Call a function here and wait for it; a coroutine has a loop of its own, as a notebook's is busy already."""
    started_at = _now()
    try:
        value = function(*args, **kwargs)
        return _output(started_at, run_aside(value) if inspect.isawaitable(value) else value)
    except Exception as error:
        return _output(started_at, failure=_failure(error))


def _output(started_at: datetime, value: Any = None, *, failure: RemoteExecutionError | None = None) -> JobOutput:
    ended_at = _now()
    return JobOutput(
        id="",
        status="FAILED" if failure else "COMPLETED",
        output=value,
        error=failure.message if failure else None,
        started_at=started_at,
        ended_at=ended_at,
        delay_time_ms=0,
        execution_time_ms=int((ended_at - started_at).total_seconds() * 1000),
        failure=failure,
    )


def _failure(error: Exception) -> RemoteExecutionError:
    frames = [
        {"filename": frame.filename, "line": frame.lineno, "name": frame.name, "text": frame.line or ""}
        for frame in traceback.extract_tb(error.__traceback__)[1:]
    ]
    failure = in_own_type(RemoteExecutionError(type(error).__qualname__, str(error), frames=frames), error)
    failure.__cause__ = error  # it has the frames
    return failure


def _now() -> datetime:
    return datetime.now(timezone.utc)
