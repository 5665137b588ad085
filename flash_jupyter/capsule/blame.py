"""Which part of a value can't be pickled, and how one gets there: `cfg → .a → ['k'] → [0]: _thread.lock`."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

#: objects looked at before the search gives up and names the last one that it found
BUDGET = 2_000
#: steps of a long path that are shown, at its beginning and at its end
PATH_ENDS = 4


class Unpicklable(Exception):
    """A value that can't be pickled: its name, the path to the culprit, the culprit's type, and pickle's reason."""

    def __init__(self, name: str, path: str, culprit: str, reason: str) -> None:
        super().__init__(f"{path}: {culprit} ({reason})")
        self.name, self.path, self.culprit, self.reason = name, path, culprit, reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.path, self.culprit, self.reason)


def blame(name: str, value: Any, dump: Callable[[Any], object], reason: BaseException) -> Unpicklable:
    """Follow a value that `dump` refuses down to the smallest part that it refuses."""
    if isinstance(reason, RecursionError) or isinstance(reason.__cause__, RecursionError):
        return Unpicklable(name, name, type_name(value), "it is nested too deeply")
    path, culprit, left, seen = [name], value, BUDGET, {id(value)}
    step: tuple[str, Any] | None = (name, value)
    while step is not None and left > 0:
        step = None
        for label, child in children(culprit):
            left -= 1
            if id(child) not in seen and not _accepts(dump, child):
                seen.add(id(child))
                path.append(label)
                culprit, step = child, (label, child)
                break
    return Unpicklable(name, " → ".join(_shortened(path)), type_name(culprit), _one_line(reason))


def _shortened(path: list[str]) -> list[str]:
    """Leave out the middle of a long path.

    >>> _shortened([*"abcdefghijkl"]), _shortened(["a", "b"])
    (['a', 'b', 'c', 'd', '…', 'i', 'j', 'k', 'l'], ['a', 'b'])
    """
    return path if len(path) <= 2 * PATH_ENDS + 1 else [*path[:PATH_ENDS], "…", *path[-PATH_ENDS:]]


def children(obj: Any) -> Iterator[tuple[str, Any]]:
    """What an object holds, each part with the step that leads to it."""
    if isinstance(obj, Mapping):
        yield from ((f"[{key!r}]", value) for key, value in list(obj.items()))
    elif isinstance(obj, (list, tuple)):
        yield from ((f"[{index}]", value) for index, value in enumerate(obj))
    elif isinstance(obj, (set, frozenset)):
        yield from ((f"{{{value!r}}}", value) for value in obj)
    elif isinstance(obj, types.FunctionType):
        yield from _function_parts(obj)
    elif isinstance(obj, types.MethodType):
        yield ".__self__", obj.__self__
    attributes = getattr(obj, "__dict__", None)
    if isinstance(attributes, (dict, types.MappingProxyType)):
        yield from ((f".{key}", value) for key, value in list(attributes.items()) if not _is_plumbing(key))


def _function_parts(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f"(closure {name})", cell.cell_contents
        except ValueError:  # not bound yet
            continue
    for index, value in enumerate(function.__defaults__ or ()):
        yield f"(default {index})", value
    for name, value in (function.__kwdefaults__ or {}).items():
        yield f"(default {name})", value


def _is_plumbing(name: Any) -> bool:
    return name in {"__dict__", "__weakref__", "__module__", "__doc__"}


def _accepts(dump: Callable[[Any], object], value: Any) -> bool:
    try:
        dump(value)
    except Exception:  # pickling runs code of the objects: anything can come
        return False
    return True


def type_name(obj: Any) -> str:
    """The name of an object's type, with its module where that says something."""
    cls = type(obj)
    return cls.__qualname__ if cls.__module__ in ("builtins", "__main__") else f"{cls.__module__}.{cls.__qualname__}"


def _one_line(reason: BaseException) -> str:
    return (str(reason).strip().splitlines() or [type(reason).__name__])[0]
