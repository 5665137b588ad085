"""What a remote function is on a worker: called there, it runs there, with the same face as at home.

It is never sent on to its own endpoint: that would need the account's key, which no worker has (D12).
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from typing import Any


class Nested:
    """A remote function on a worker: `await f(x)` and `f.remote(x)` give an output, `f.local(x)` the bare value."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__wrapped__ = self.local = function
        self.__name__ = getattr(function, "__name__", "function")

    async def __call__(self, *args: Any, **kwargs: Any) -> NestedOutput:
        """Run it here."""
        try:
            value = self.local(*_taken_out(args), **dict(zip(kwargs, _taken_out(kwargs.values()), strict=True)))
            return NestedOutput(await value if inspect.isawaitable(value) else value)
        except Exception as error:
            return NestedOutput(failure=error)

    def remote(self, *args: Any, **kwargs: Any) -> NestedOutput:
        """Run it here, on a loop of its own where it wants one."""
        outputs: list[NestedOutput] = []
        thread = threading.Thread(target=lambda: outputs.append(asyncio.run(self(*args, **kwargs))))
        thread.start()
        thread.join()
        return outputs[0]

    def map(self, *iterables: Any, **_options: Any) -> list[NestedOutput]:
        """Run it here for every element."""
        return [self.remote(*args) for args in zip(*iterables, strict=False)]


class NestedOutput:
    """How a call on a worker ended; the part of a `JobOutput` that makes sense there."""

    def __init__(self, output: Any = None, failure: Exception | None = None) -> None:
        self.id, self.output, self.failure = "", output, failure
        self.status = "FAILED" if failure else "COMPLETED"
        self.error = f"{type(failure).__name__}: {failure}" if failure else None

    def result(self) -> Any:
        """Return the value, or raise what the function raised."""
        if self.failure is not None:
            raise self.failure
        return self.output


def make_nested(function: Callable[..., Any]) -> Nested:
    """Make what a remote function is on a worker; a word of the stream, because this module is not there."""
    return Nested(function)


def _taken_out(values: Any) -> list[Any]:
    return [value.result() if isinstance(value, NestedOutput) else value for value in values]
