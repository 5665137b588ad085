"""One call, taken from a capsule: of a function, or of a method of an instance that lives on in this worker.

An instance is made by the first call that brings its class and the constructor's arguments, and is found by its id
afterwards, with the namespace that its methods read from. It ends with the process.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import operator
import os
import sys
import types
import weakref
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


class _OwnLoop:
    """An event loop that serves one run after the other, as long as nobody can tell it from a new one."""

    def __init__(self) -> None:
        self._maker = _loop_maker()
        self.loop = asyncio.new_event_loop()
        self.is_shared = False  #: with a child process, which has its selector too
        self._is_known = type(self.loop) is asyncio.SelectorEventLoop
        self._state: dict[str, Any] = dict(vars(self.loop)) if self._is_known else {}
        self._holders = sys.getrefcount(self.loop)

    def can_serve(self) -> bool:
        """Whether a loop that is made now would be of the same kind."""
        return not self.is_shared and self._maker == _loop_maker()

    def is_as_new(self) -> bool:
        """Whether nothing of it is set otherwise, and nobody has it, as tasks, callbacks and open connections do."""
        return (
            self._is_known
            and sys.getrefcount(self.loop) == self._holders
            and not weakref.getweakrefcount(self.loop)
            and vars(self.loop) == self._state
        )


def _loop_maker() -> tuple[Any, ...]:
    """What decides on the kind of a new loop."""
    return asyncio.new_event_loop, _loop_policy(), os.environ.get("PYTHONASYNCIODEBUG")


#: without the warning of Python 3.14
_loop_policy = getattr(asyncio.events, "_get_event_loop_policy", asyncio.get_event_loop_policy)
#: the loop that the next run takes, where there is one
_idle_loops: list[_OwnLoop] = []
_busy_loops: list[_OwnLoop] = []


def _share_loops() -> None:
    for own in (*_idle_loops, *_busy_loops):
        own.is_shared = True


os.register_at_fork(before=_share_loops)


def run_on_new_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine as `asyncio.run` does, in a fifth of its time (measured 2026-11-23).

    Most of that is to make a loop and to close it, so one that nobody can tell from a new one is used again. The
    handler of SIGINT is left out: an interrupt is raised in the code itself, and what it awaits is cancelled by the
    end, as up to Python 3.10.
    """
    own = _take_loop()
    asyncio.set_event_loop(own.loop)
    try:
        return own.loop.run_until_complete(coroutine)
    finally:
        asyncio.set_event_loop(None)
        _leave_loop(own)


def _take_loop() -> _OwnLoop:
    own = _idle_loops.pop() if _idle_loops else _OwnLoop()
    if not own.can_serve():
        own.loop.close()
        own = _OwnLoop()
    _busy_loops.append(own)
    return own


def _leave_loop(own: _OwnLoop) -> None:
    """Keep a loop for the next run, or close it as `asyncio.run` does."""
    _busy_loops.remove(own)
    if own.is_as_new():
        _idle_loops.append(own)
        return
    try:
        own.loop.run_until_complete(_end())
    finally:
        own.loop.close()


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
