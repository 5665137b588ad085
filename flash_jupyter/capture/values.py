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
from collections.abc import Callable, Iterator, Mapping
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


def parts(value: Any, limit: int) -> Iterator[Any]:
    """Yield a value, and the first `limit` elements of a container; of a dict its values."""
    yield value
    if type(value) in CONTAINERS:
        yield from islice(value.values() if type(value) is dict else value, limit)


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


#: of a container, so many elements are measured, and containers in it so deep
_ELEMENTS, _DEPTH = 1_000, 3

#: library, class -> the bytes that its data takes at least
_BYTES: Mapping[tuple[str, str], Callable[[Any, Any], int]] = {
    ("numpy", "ndarray"): lambda cls, value: cls.nbytes.__get__(value),
    ("pandas", "DataFrame"): lambda cls, value: cls.memory_usage(value, index=True, deep=False).sum(),
    ("pandas", "Series"): lambda cls, value: cls.memory_usage(value, index=True, deep=False),
    ("polars", "DataFrame"): lambda cls, value: cls.estimated_size(value),
    ("pyarrow", "Table"): lambda cls, value: cls.nbytes.__get__(value),
    ("torch", "Tensor"): lambda _, value: value.element_size() * value.nelement(),
}


def least_bytes(value: Any, depth: int = 0) -> int:
    """Return how many bytes a value takes at least when it travels; a small number where nobody can say cheaply.

    >>> least_bytes(b"x" * 1000), least_bytes([b"x" * 1000] * 2), least_bytes({"a": b"x" * 1000})
    (1000, 2000, 1000)
    """
    kind = type(value)
    if kind in (bytes, bytearray, str):
        return len(value)
    if kind is memoryview:
        return int(value.nbytes)
    if kind in CONTAINERS:
        return max(len(value), sum(least_bytes(part, depth + 1) for part in _parts(value))) if depth < _DEPTH else 0
    for base in kind.__mro__:
        measure = _BYTES.get((base.__module__.partition(".")[0], base.__name__))
        if measure is not None:
            return int(measure(base, value))
    return 0


def describe(value: Any) -> str:
    """Say what a value is, with its shape or length.

    >>> describe([1, 2]), describe(len), describe(types), describe({"a": 1})
    ('list of 2', 'built-in function', 'module types', 'dict of 1')
    """
    kind = type(value)
    if issubclass(kind, type):
        return "class"
    if kind in (types.FunctionType, types.BuiltinFunctionType):
        return "function" if kind is types.FunctionType else "built-in function"
    if issubclass(kind, types.ModuleType):
        return f"module {value.__name__}"
    if kind in CONTAINERS or kind in (str, bytes, bytearray):
        return f"{kind.__name__} of {len(value):,}"
    return f"{type_name(kind)}{_shape(value)}"


def type_name(kind: type) -> str:
    """Name a type as its users do: with its library, without the folders in there.

    >>> type_name(int), type_name(types.SimpleNamespace)
    ('int', 'types.SimpleNamespace')
    """
    library = kind.__module__.partition(".")[0]
    return kind.__qualname__ if library in {"builtins", "__main__"} else f"{library}.{kind.__qualname__}"


def _parts(container: Any) -> Iterator[Any]:
    return islice(container.values() if type(container) is dict else iter(container), _ELEMENTS)


def _shape(value: Any) -> str:
    """Say the shape of an array or a table, and what an array is made of."""
    for base in type(value).__mro__:
        if (base.__module__.partition(".")[0], base.__name__) in _BYTES:
            shape: Any = getattr(base, "shape", None)
            sizes = tuple(shape.__get__(value)) if hasattr(shape, "__get__") else ()
            kind = f" {value.dtype}" if base.__name__ in {"ndarray", "Tensor"} else ""
            return f" {' x '.join(f'{size:,}' for size in sizes)}{kind}"
    return ""
