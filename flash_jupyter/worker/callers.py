"""What Python callers of a route say in headers of their own: how long they wait, and that they take a whole failure.

Who asks over plain HTTP gets one line about a failure, and its traceback stays in the worker's log.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from flash_jupyter.worker.current import serving
from flash_jupyter.worker.raised import describe

#: seconds that the caller waits; who sends it is a Python caller
HEADER = "x-flash-timeout-s"

_is_python: contextvars.ContextVar[bool] = contextvars.ContextVar("flash_jupyter_is_python", default=False)


class Callers:
    """ASGI middleware: reads the header, and is otherwise not there."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one request."""
        said = dict(scope.get("headers") or ()).get(HEADER.encode())
        if said is None:
            await self._app(scope, receive, send)
            return
        token = _is_python.set(True)
        try:
            with serving(_seconds(said)):
                await self._app(scope, receive, send)
        finally:
            _is_python.reset(token)


def failure_for(error: Exception) -> dict[str, Any] | None:
    """Return the body of a failure for a Python caller; None where plain HTTP asks."""
    if not _is_python.get():
        return None
    return {"detail": f"{type(error).__name__}: {error}", **describe(error)}


def _seconds(text: bytes) -> float | None:
    with contextlib.suppress(ValueError):
        return float(text)
    return None
