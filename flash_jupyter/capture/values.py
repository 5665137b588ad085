"""How far the object behind a name may change, by what the code does with the name and by what the object is.

A superset on purpose: what is judged "may change" costs a comparison on the worker, what is missed would be a change
that silently stays there. The value has the last word: an int never changes.
"""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import re
import sys
import types
import uuid
from collections import deque
from collections.abc import Iterator
from enum import Enum, EnumMeta, IntEnum
from itertools import islice
from pathlib import PurePath
from typing import Any

from flash_jupyter.capsule.kinds import travels_by_value

#: exact types whose values can't change and refer to nothing
ATOMS: frozenset[type] = frozenset(
    {int, float, complex, bool, str, bytes, range, slice, type(None), type(...), type(NotImplemented)}
)
#: what is changed through a module stays there; the others can't be changed at all
_FIXED = (
    types.BuiltinFunctionType,
    types.ModuleType,
    Enum,
    EnumMeta,
    PurePath,
    dt.date,
    dt.time,
    dt.timedelta,
    dt.tzinfo,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    re.Pattern,
)
_MUTABLE_CONTAINERS: frozenset[type] = frozenset({list, dict, set, deque})
_FROZEN_CONTAINERS: frozenset[type] = frozenset({tuple, frozenset})
CONTAINERS = _MUTABLE_CONTAINERS | _FROZEN_CONTAINERS
#: a container with more elements than this, not all atoms, counts as changeable unseen
_LOOK_AT = 10_000


class Use(IntEnum):
    """What the code does with an object, ordered by how much can happen to it."""

    LOOK = 0
    """It is compared, tested, printed, formatted: nothing can happen."""
    COPY = 1
    """An operator makes something new of it; a new list shares its elements, a new array shares nothing."""
    ELEMENT = 2
    """An element, an item or a view of it goes elsewhere and may be changed there; the container keeps its length."""
    OBJECT = 3
    """It is stored into, called, or handed to code that may do anything with it."""


#: these only look at their arguments (and at the elements of them)
LOOKING = frozenset(
    {"abs", "all", "any", "ascii", "bin", "bool", "bytes", "callable", "chr", "complex", "display", "divmod"}
    | {"float", "format", "hasattr", "hash", "hex", "id", "int", "isinstance", "issubclass", "len", "oct", "ord"}
    | {"pow", "print", "range", "repr", "round", "slice", "str", "type"}
)
#: these hand out the elements of their arguments, and change nothing themselves
ELEMENTWISE = frozenset(
    {"dict", "enumerate", "frozenset", "list", "max", "min", "reversed", "set", "sorted", "tuple", "zip"}
)
#: with these in a cell any name may be reached by its spelling
REFLECTING = frozenset({"eval", "exec", "globals", "locals", "vars"})


def of_part(use: Use) -> Use:
    """The use of a container, when `use` is made of an element of it.

    >>> of_part(Use.OBJECT).name, of_part(Use.COPY).name
    ('ELEMENT', 'COPY')
    """
    return min(use, Use.ELEMENT)


def of_whole(use: Use) -> Use:
    """The use of what stands in a display or behind a dot, when `use` is made of the whole.

    >>> of_whole(Use.ELEMENT).name, of_whole(Use.LOOK).name
    ('OBJECT', 'LOOK')
    """
    return use if use <= Use.COPY else Use.OBJECT


def may_change(value: Any, use: Use) -> bool:
    """Whether the value can be another one after `use` was made of it.

    >>> may_change(3, Use.OBJECT), may_change([1, 2], Use.ELEMENT), may_change([[1], [2]], Use.ELEMENT)
    (False, False, True)
    >>> may_change((1, "a"), Use.OBJECT), may_change(([],), Use.OBJECT), may_change([], Use.OBJECT)
    (False, True, True)
    """
    kind = type(value)
    if kind is types.FunctionType:
        return _has_state(value)
    if kind in ATOMS or issubclass(kind, _FIXED) or _is_numpy_scalar(kind):
        return False
    if hasattr(kind, "__next__"):
        return True  # whoever looks at an iterator moves it
    if issubclass(kind, type):
        return use is Use.OBJECT and travels_by_value(value)
    if use is Use.LOOK:
        return False
    if kind in _MUTABLE_CONTAINERS:
        return use is Use.OBJECT or _holds_changeable(value)
    if kind in _FROZEN_CONTAINERS:
        return _holds_changeable(value)
    return use >= Use.ELEMENT


def _has_state(function: Any) -> bool:
    """Whether a call can change what a function carries: its closure, its defaults, its attributes."""
    carries = function.__closure__ or function.__defaults__ or function.__kwdefaults__ or function.__dict__
    return bool(carries) or function.__name__ in function.__code__.co_names


def elements(container: Any, limit: int) -> list[object]:
    """The first `limit` elements of a container, for a dict its keys and its values.

    >>> elements({"a": 1}, 10), elements([1, 2, 3], 2)
    (['a', 1], [1, 2])
    """
    parts = (container.keys(), container.values()) if type(container) is dict else (container,)
    return [element for part in parts for element in islice(part, limit)]


def held(container: Any, limit: int) -> Iterator[Any]:
    """Yield the first `limit` elements of a container, for a dict its values alone.

    >>> list(held({"a": 1}, 10)), list(held([1, 2, 3], 2))
    ([1], [1, 2])
    """
    return islice(container.values() if type(container) is dict else container, limit)


def with_held(value: Any, limit: int) -> Iterator[Any]:
    """Yield any value, and what it holds where it is a container.

    >>> list(with_held([1, 2, 3], 2)), list(with_held("ab", 2))
    ([[1, 2, 3], 1, 2], ['ab'])
    """
    yield value
    if type(value) in CONTAINERS:
        yield from held(value, limit)


def all_atoms(container: Any) -> bool:
    """Whether every element is an atom; quick, however long the container.

    >>> all_atoms([1, "a", None]), all_atoms({"a": []})
    (True, False)
    """
    if type(container) is dict:
        return ATOMS.issuperset(map(type, container.values())) and ATOMS.issuperset(map(type, container))
    return ATOMS.issuperset(map(type, container))


def _holds_changeable(container: Any) -> bool:
    if all_atoms(container):
        return False
    if len(container) > _LOOK_AT:
        return True
    return any(may_change(element, Use.OBJECT) for element in elements(container, _LOOK_AT))


def _is_numpy_scalar(kind: type) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and issubclass(kind, getattr(numpy, "generic", ()))
