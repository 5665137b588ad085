"""Which of the objects that travelled were changed, and what of it travels home; `applying.py` brings it in there.

Every object is compared on its own, not with what it holds: a list by the identity of its elements, an instance by
the identity of its attributes. As all objects of the graph are in the table, every change is found, and the news of it
is small. What can't be looked into is compared by the digest of its pickle, and comes home anew when it differs.
"""

from __future__ import annotations

import copyreg
import hashlib
import operator
import pickle
import types
from collections import deque
from collections.abc import Callable
from typing import Any

import cloudpickle

#: attributes of a class that Python and `copyreg` keep there for themselves
_NOT_OF_THE_USER = frozenset(
    {"__dict__", "__weakref__", "__doc__", "__module__", "_abc_impl", "__abstractmethods__"}
    | {"__slotnames__", "__annotations_cache__"}
)
#: what a change is: how to apply it, and the new content
Change = tuple[str, Any]
REPLACE = "replace"


def snapshot(obj: Any) -> list[Any] | None:
    """Remember what an object holds now; None where it can't change."""
    look = _look_of(obj)
    return None if look is None else look(obj)


def find_change(obj: Any, before: list[Any]) -> Change | None:
    """Say how an object differs from its snapshot; None where it does not."""
    look = _look_of(obj)
    if look is None or _same(now := look(obj), before):
        return None
    if look is _class_look:
        return _class_change(obj, before)
    if look is _instance_look and _held(obj) is None and _has_own_reduction(obj) and _same(now[:-1], before[:-1]):
        return REPLACE, None  # what changed is not among its attributes
    return content_of(obj)


def holds_any(before: list[Any], ids: set[int]) -> bool:
    """Whether a snapshot holds one of these objects itself."""
    return any(id(entry) in ids for entry in before)


class Digest(str):
    """Stands for content that is compared by its hash: the one thing in a look that is compared by value."""

    __slots__ = ()


def _same(now: list[Any], before: list[Any]) -> bool:
    if len(now) != len(before):
        return False
    return all(map(operator.is_, now, before)) or all(map(_same_entry, now, before))


def _same_entry(now: Any, before: Any) -> bool:
    return now is before or (type(now) is Digest and type(before) is Digest and now == before)


def _look_of(obj: Any) -> Callable[[Any], list[Any]] | None:
    """Choose how to look at an object. A look is a flat list, compared by identity."""
    kind = type(obj)
    if kind in _LOOKS:
        return _LOOKS[kind]
    if isinstance(obj, type):
        return _class_look
    if _is_array(obj):
        return _array_look
    if _is_frame(obj):
        return _opaque_look
    if isinstance(obj, (tuple, frozenset, str, bytes, int, float, complex, types.ModuleType)):
        return None
    return _instance_look


def _is_array(obj: Any) -> bool:
    return type(obj).__name__ == "ndarray" and _package(obj) == "numpy"


def _package(obj: Any) -> str:
    module = type(obj).__module__
    return module.partition(".")[0] if isinstance(module, str) else ""  # Cython's types have a descriptor there


def _is_frame(obj: Any) -> bool:
    return _package(obj) == "pandas" and hasattr(obj, "_update_inplace")


def _items_look(obj: dict[Any, Any]) -> list[Any]:
    return [*obj.keys(), *obj.values()]


def _set_look(obj: set[Any]) -> list[Any]:
    return sorted(obj, key=id)


def _class_look(obj: type) -> list[Any]:
    return _items_look(_class_attributes(obj))


def _function_look(obj: types.FunctionType) -> list[Any]:
    return [*_items_look(obj.__dict__), *_cells(obj)]


def _array_look(array: Any) -> list[Any]:
    if array.dtype.hasobject:
        return [Digest(array.shape), *array.ravel().tolist()]
    return [Digest(f"{array.shape} {array.dtype} {hashlib.sha256(array.tobytes()).hexdigest()}")]


def _bytes_look(obj: bytearray) -> list[Any]:
    return [Digest(hashlib.sha256(obj).hexdigest())]


def _opaque_look(obj: Any) -> list[Any]:
    return [Digest(_pickle_digest(obj))]


def _instance_look(obj: Any) -> list[Any]:
    held = _held(obj)
    look = _items_look(attributes_of(obj))
    if held is not None:
        look += _LOOKS[held](obj)
    elif _has_own_reduction(obj):
        look += _opaque_look(obj)
    return look


def _held(obj: Any) -> type | None:
    """The container that an object is a kind of: `list` for a subclass of list."""
    return next((base for base in _LOOKS if isinstance(obj, base)), None)


def attributes_of(obj: Any) -> dict[str, Any]:
    """Return what an instance holds in its slots and in its `__dict__`."""
    slots = {name: getattr(obj, name) for name in copyreg._slotnames(type(obj)) if hasattr(obj, name)}  # type: ignore[attr-defined]
    return {**slots, **getattr(obj, "__dict__", {})}


def _class_attributes(cls: type) -> dict[str, Any]:
    return {name: value for name, value in vars(cls).items() if name not in _NOT_OF_THE_USER}


def _class_change(cls: type, before: list[Any]) -> Change:
    """Only what is another attribute now: a class may hold much that can't travel, and need not."""
    count, now = len(before) // 2, _class_attributes(cls)
    old = dict(zip(before[:count], before[count:], strict=True))
    changed = {name: value for name, value in now.items() if name not in old or old[name] is not value}
    return "class", (changed, sorted(old.keys() - now.keys()))


def _cells(function: types.FunctionType) -> list[Any]:
    contents = []
    for cell in function.__closure__ or ():
        try:
            contents.append(cell.cell_contents)
        except ValueError:  # not bound yet
            contents.append(None)
    return contents


def _has_own_reduction(obj: Any) -> bool:
    """Whether its pickle may hold more than its attributes: extension types, `__getstate__`, `__reduce__`."""
    cls = type(obj)
    # `object` has `__getstate__` from Python 3.11 on
    return any(
        getattr(cls, name, None) is not getattr(object, name, None)
        for name in ("__reduce_ex__", "__reduce__", "__getstate__")
    )


def _pickle_digest(obj: Any) -> str:
    hasher = hashlib.sha256()

    def buffer(part: pickle.PickleBuffer) -> None:
        hasher.update(part.raw())

    try:
        hasher.update(cloudpickle.dumps(obj, protocol=5, buffer_callback=buffer))
    except Exception:  # whatever its reduction raises: then there is nothing to compare
        return ""
    return hasher.hexdigest()


def content_of(obj: Any) -> Change:
    """What travels home of a changed object, and how it is applied there."""
    if isinstance(obj, type):
        return "class", (_class_attributes(obj), [])
    if isinstance(obj, types.FunctionType):
        return "function", (dict(obj.__dict__), _cells(obj))
    if _is_array(obj):
        return "array", obj.copy()
    if _is_frame(obj):
        return "frame", obj.copy(deep=False)
    held, attributes = _held(obj), attributes_of(obj)
    if held is None:
        return "instance", (None, None, attributes)
    content = bytes(obj) if held is bytearray else list(obj.items()) if held is dict else list(obj)
    return "instance", (held.__name__, content, attributes)


_LOOKS: dict[type, Callable[[Any], list[Any]]] = {
    list: list,
    dict: _items_look,
    set: _set_look,
    deque: list,
    bytearray: _bytes_look,
    types.FunctionType: _function_look,
}
