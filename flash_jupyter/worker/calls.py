"""One call, taken from a capsule: of a function, or of a method of an instance that lives on in this worker.

An instance is made by the first call that brings its class and the constructor's arguments, and is found by its id
afterwards, with the namespace that its methods read from. It ends with the process.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import operator
import types
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

#: under which a call travels beside the names that it reads; no namespace can have such a name
CALL_NAME = "\0call"


class Lost(Exception):
    """The instance that a call means is not in this process."""


@dataclass(frozen=True)
class Held:
    """An instance, the module that its methods read from, and the event loop that its coroutines keep."""

    instance: Any
    main: types.ModuleType
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)


#: instance id -> the instance; as long as the process lives
_instances: dict[str, Held] = {}


class Call:
    """What is to be run. `filename` is where the user's frames begin, `is_held` whether an instance lives here now."""

    def __init__(self, filename: str, action: Callable[[], Any], instance_id: str = "") -> None:
        self.filename = filename
        self._action, self._instance_id = action, instance_id

    @property
    def is_held(self) -> bool:
        """Whether the constructor has run to its end, in this call or before."""
        return self._instance_id in _instances

    def run(self) -> Any:
        """Run it to its end; a coroutine is awaited."""
        return self._action()


def home_of(order: Mapping[str, Any]) -> types.ModuleType | None:
    """Return the module that an instance which lives here reads from; None for any other job."""
    held = _instances.get(order.get("instance", ""))
    return held.main if held else None


def refuse_lost(order: Mapping[str, Any]) -> None:
    """Raise `Lost` where a method is called whose instance is not here, and was made before."""
    if order["kind"] == "method" and not order["make"] and order["instance"] not in _instances:
        raise Lost


def read_call(order: Mapping[str, Any], main: types.ModuleType) -> Call:
    """Take the call out of a namespace that was just filled."""
    call = main.__dict__.pop(CALL_NAME)
    args, kwargs = call["arguments"]
    if order["kind"] == "call":
        function = _target(call["target"])
        return Call(_file_of(function), lambda: _finish(function(*args, **kwargs), run_on_new_loop))
    instance_id, method = order["instance"], order["method"]

    def act() -> Any:
        held = _instances.get(instance_id)
        if held is None:
            first_args, first_kwargs = call["first"]
            held = _instances[instance_id] = Held(_target(call["target"])(*first_args, **first_kwargs), main)
        return _finish(getattr(held.instance, method)(*args, **kwargs), held.loop.run_until_complete)

    cls = _target(call["target"]) if instance_id not in _instances else type(_instances[instance_id].instance)
    return Call(_file_of(getattr(cls, method, cls)), act, instance_id)


def _target(target: Any) -> Any:
    """Return what is to be called: it travelled itself, or is a member of a module that travelled as source."""
    if not isinstance(target, tuple):
        return target
    module, qualname = target
    return inspect.unwrap(operator.attrgetter(qualname)(importlib.import_module(module)))


def _finish(value: Any, run: Callable[[Any], Any]) -> Any:
    return run(_wait_for(value)) if inspect.isawaitable(value) else value


async def _wait_for(value: Awaitable[Any]) -> Any:
    return await value


def run_on_new_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine as `asyncio.run` does, in less than half of its time (measured 2026-11-23).

    That one's handler of SIGINT is left out: an interrupt is raised in the code itself, and what it awaits is cancelled
    by the end, as up to Python 3.10.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    whole = loop.create_task(_whole(coroutine))
    try:
        return loop.run_until_complete(whole)
    finally:
        try:
            if not whole.done():  # an interrupt came while all tasks waited
                whole.cancel()
                loop.run_until_complete(asyncio.gather(whole, return_exceptions=True))
        finally:
            asyncio.set_event_loop(None)
            loop.close()


async def _whole(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        return await coroutine
    finally:
        await _end()


async def _end() -> None:
    """Cancel what is left of the loop's tasks, and close what it holds."""
    loop = asyncio.get_running_loop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    for outcome in await asyncio.gather(*left, return_exceptions=True):
        if isinstance(outcome, Exception):
            loop.call_exception_handler({"message": "a task failed while its loop was closed", "exception": outcome})
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


def _file_of(function: Any) -> str:
    """The file that a function's frames name; empty where it has no code of its own."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_filename if code is not None else ""
