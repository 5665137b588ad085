"""What a value is called, and how large it is at least, without pickling it."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

from flash_jupyter.capture.values import CONTAINERS, held

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
        if depth >= _DEPTH:
            return 0
        return max(len(value), sum(least_bytes(each, depth + 1) for each in held(value, _ELEMENTS)))
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


def _shape(value: Any) -> str:
    """Say the shape of an array or a table, and what an array is made of."""
    for base in type(value).__mro__:
        if (base.__module__.partition(".")[0], base.__name__) in _BYTES:
            shape: Any = getattr(base, "shape", None)
            sizes = tuple(shape.__get__(value)) if hasattr(shape, "__get__") else ()
            kind = f" {value.dtype}" if base.__name__ in {"ndarray", "Tensor"} else ""
            return f" {' x '.join(f'{size:,}' for size in sizes)}{kind}"
    return ""
