"""Kinds of objects that need a word of their own to travel: pickle and cloudpickle (3.1.2) refuse them, or make others.

Each has a reduction, and a maker that rebuilds it on either side.
"""

from __future__ import annotations

import asyncio
import builtins
import copyreg
import functools
import inspect
import sys
import threading
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any

import cloudpickle


def reduced_specially(obj: Any) -> tuple[Any, ...] | None:
    """How a kind of object travels that pickle and cloudpickle refuse, or make into something else."""
    kind = type(obj)
    if kind is types.CellType:
        return make_cell, (), _contents(obj), None, None, fill_cell
    if kind is functools._lru_cache_wrapper and obj.__module__ == "__main__":
        return make_cached, (obj.__wrapped__, obj.cache_parameters())
    if kind is functools.cached_property:  # it holds a lock up to Python 3.11
        return make_cached_property, (obj.func, obj.attrname)
    if kind is functools.singledispatchmethod:  # it holds a cache of weak references from Python 3.13 on
        return make_dispatched_method, (obj.func, obj.dispatcher)
    if kind is types.FunctionType and obj.__code__ is _DISPATCHER and obj.__module__ == "__main__":
        return make_dispatcher, (obj.__wrapped__,), dict(obj.registry), None, None, fill_dispatcher
    if isinstance(obj, BaseException) and _is_made_by_its_own_init(kind):
        return copyreg.__newobj__, (kind, *obj.args), obj.__dict__ or None  # type: ignore[attr-defined]
    return None


def _contents(cell: types.CellType) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # not bound yet
        return ()


def _is_made_by_its_own_init(kind: type) -> bool:
    """Whether an exception's `args` need not be what its class takes: it has an `__init__` of its own.

    Exceptions that keep fields of their own in C (`OSError.errno`) are left to pickle.
    """
    methods: Any = kind
    if not isinstance(methods.__init__, types.FunctionType) or methods.__reduce__ is not BaseException.__reduce__:
        return False
    if methods.__reduce_ex__ is not object.__reduce_ex__:
        return False
    fields = [value for base in kind.__mro__[:-2] if not base.__flags__ & _HEAP_TYPE for value in vars(base).values()]
    return not any(isinstance(field, types.MemberDescriptorType) for field in fields)


def class_reduced(cls: type, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """Let a class have its slots over there too, and be made without a word to its bases."""
    make, args, *state = reduced
    if make is not cloudpickle.cloudpickle._make_skeleton_class:
        return reduced
    if "__slots__" in vars(cls) and typing.NamedTuple not in vars(cls).get("__orig_bases__", ()):
        kind, name, bases, kwargs, *rest = args
        args = (kind, name, bases, {**kwargs, "__slots__": vars(cls)["__slots__"]}, *rest)
    return (make_class if _told_at_home(cls.__mro__[1:]) else make, args, *state)


def _told_at_home(bases: Iterable[type]) -> list[type]:
    """The bases which were told of a subclass where it was defined, and whose notes of that travel."""
    return [base for base in bases if "__init_subclass__" in vars(base) and travels_by_value(base)]


def make_class(*args: Any) -> Any:
    """Make a class as cloudpickle does, but tell no base of the notebook: a registry would have it twice."""
    bases = _told_at_home({base: None for direct in args[2] for base in getattr(direct, "__mro__", ())})
    told = {base: vars(base)["__init_subclass__"] for base in bases}
    try:
        for base in bases:
            type.__setattr__(base, "__init_subclass__", _pass_on(base))
        return cloudpickle.cloudpickle._make_skeleton_class(*args)
    finally:
        for base, method in told.items():
            type.__setattr__(base, "__init_subclass__", method)


def _pass_on(base: type[Any]) -> Any:
    def tell_the_next(cls: type[Any], /, **kwargs: Any) -> None:
        super(base, cls).__init_subclass__(**kwargs)

    return classmethod(tell_the_next)


def make_cell() -> types.CellType:
    """Make an empty cell of a closure; it is filled when what it holds, perhaps its own function, exists."""
    return types.CellType()


def fill_cell(cell: types.CellType, contents: tuple[Any, ...]) -> None:
    """Fill a cell of a closure."""
    for value in contents:
        cell.cell_contents = value


def make_cached(function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    """Make a function of the notebook under `functools.lru_cache` again; its cache does not travel."""
    return functools.lru_cache(**parameters)(function)


def make_cached_property(function: Callable[[Any], Any], name: str | None) -> Any:
    """Make a `functools.cached_property` again, with a lock of its own."""
    made = functools.cached_property(function)
    made.attrname = name
    return made


def make_dispatcher(function: Callable[..., Any]) -> Any:
    """Make a function of the notebook under `functools.singledispatch` again."""
    return functools.singledispatch(function)


def make_dispatched_method(function: Callable[..., Any], dispatcher: Any) -> Any:
    """Make a `functools.singledispatchmethod` again, with a cache of its own."""
    made = functools.singledispatchmethod(function)
    made.dispatcher = dispatcher
    return made


def fill_dispatcher(dispatcher: Any, registry: dict[type, Callable[..., Any]]) -> None:
    """Register the functions of a dispatcher; its cache of weak references does not travel."""
    for kind, function in registry.items():
        dispatcher.register(kind, function)


def find_shell() -> Any:
    """What `get_ipython()` is here: a worker's comes home as the notebook's own."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def make_handle(display_id: str) -> Any:
    """Make IPython's handle of something shown again, where IPython is loaded; else its id is all there is."""
    display = sys.modules.get("IPython.display")
    return display.DisplayHandle(display_id) if display is not None else display_id


def make_displayed(name: str, arguments: dict[str, Any]) -> Any:
    """Make an object of a class of `IPython.display` again; without IPython, what it shows is all there is."""
    display = sys.modules.get("IPython.display")
    return getattr(display, name)(**arguments) if display is not None else arguments.get("data")


class Nested:
    """What a remote function is on a worker: called there, it runs there, with the same face as at home.

    `await f(x)` and `f.remote(x)` give an output, `f.local(x)` the bare value. It is never sent on to its own endpoint:
    that would need the account's key, which no worker has (D12).
    """

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


#: what rebuilds objects on either side; over there it lives in another module, so it travels as its name
MAKERS: dict[str, Callable[..., Any]] = {
    maker.__name__: maker
    for maker in (
        make_class,
        make_cell,
        fill_cell,
        make_cached,
        make_cached_property,
        make_dispatcher,
        make_dispatched_method,
        fill_dispatcher,
        find_shell,
        make_handle,
        make_displayed,
        make_nested,
    )
}
#: the code that every function under `functools.singledispatch` shares
_DISPATCHER = functools.singledispatch(fill_cell).__code__  # type: ignore[attr-defined]
_CLOUDPICKLE = vars(cloudpickle.cloudpickle)
#: `Py_TPFLAGS_HEAPTYPE`: a class that Python code made
_HEAP_TYPE = 1 << 9


def is_known_everywhere(obj: Any) -> bool:
    """Whether something is a built-in class, or one of the functions with which cloudpickle makes others.

    A quick answer for what stands in every pickle of a function: cloudpickle looks through modules for it.
    """
    kind = type(obj)
    if kind is type:
        return obj.__module__ == "builtins" and vars(builtins).get(obj.__name__) is obj
    return kind is types.FunctionType and obj.__globals__ is _CLOUDPICKLE and _CLOUDPICKLE.get(obj.__name__) is obj


def travels_by_value(obj: type) -> bool:
    """Whether a class has no importable home: one of the notebook, or made in a function."""
    return not is_known_everywhere(obj) and not cloudpickle.cloudpickle._should_pickle_by_reference(
        obj
    )  # no public name for it, up to 3.1.2
