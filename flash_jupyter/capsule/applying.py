"""How a change gets into the original, in place; `changes.py` says what changed."""

from __future__ import annotations

import types
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

from flash_jupyter.capsule.changes import Change, attributes_of


def apply_change(obj: Any, news: Change) -> None:
    """Bring a change into the original, in place."""
    _APPLY[news[0]](obj, news[1])


def _apply_instance(obj: Any, news: tuple[str | None, Any, dict[str, Any]]) -> None:
    held, content, attributes = news
    if content is not None:
        _REFILL[held or ""](obj, content)
    for name in attributes_of(obj).keys() - attributes.keys():
        object.__delattr__(obj, name)
    for name, value in attributes.items():
        object.__setattr__(obj, name, value)


def _refill_list(obj: Any, content: list[Any]) -> None:
    list.__setitem__(obj, slice(None), content)


def _refill_dict(obj: Any, content: list[Any]) -> None:
    kind = OrderedDict if isinstance(obj, OrderedDict) else dict  # which keeps an order of its own beside dict's
    kind.clear(obj)
    for key, value in content:
        kind.__setitem__(obj, key, value)


def _refill_set(obj: Any, content: list[Any]) -> None:
    set.clear(obj)
    set.update(obj, content)


def _refill_deque(obj: Any, content: list[Any]) -> None:
    deque.clear(obj)
    deque.extend(obj, content)


def _refill_bytearray(obj: Any, content: bytes) -> None:
    obj[:] = content


def _apply_class(cls: type, news: tuple[dict[str, Any], list[str]]) -> None:
    attributes, gone = news
    for name in vars(cls).keys() & gone:
        delattr(cls, name)
    for name, value in attributes.items():
        if vars(cls).get(name) is not value:
            setattr(cls, name, value)


def _apply_function(function: types.FunctionType, news: tuple[dict[str, Any], list[Any]]) -> None:
    attributes, contents = news
    function.__dict__.clear()
    function.__dict__.update(attributes)
    for cell, value in zip(function.__closure__ or (), contents, strict=False):
        cell.cell_contents = value


def _apply_array(array: Any, news: Any) -> None:
    if array.shape != news.shape or array.dtype != news.dtype:
        array.resize(news.shape, refcheck=False)
    array[...] = news


def _apply_frame(frame: Any, news: Any) -> None:
    frame._update_inplace(news)
    frame.attrs = news.attrs
    if news.ndim == 1:
        frame.name = news.name


_REFILL: dict[str, Callable[[Any, Any], None]] = {
    "list": _refill_list,
    "dict": _refill_dict,
    "set": _refill_set,
    "deque": _refill_deque,
    "bytearray": _refill_bytearray,
}
_APPLY: dict[str, Callable[[Any, Any], None]] = {
    "instance": _apply_instance,
    "class": _apply_class,
    "function": _apply_function,
    "array": _apply_array,
    "frame": _apply_frame,
}
