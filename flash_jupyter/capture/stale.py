"""Values whose class was defined again after they were made: no `isinstance` of the new class knows them (need 19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from flash_jupyter.capture.values import CONTAINERS

#: of a container, so many elements are looked at
_ELEMENTS = 100


def stale_classes(values: Mapping[str, Any], namespace: Mapping[str, Any]) -> dict[str, str]:
    """Return the names whose value, or an element of it, is of a class that was defined again since: name -> class.

    >>> space = {"__name__": "__main__", "A": type("A", (), {"__module__": "__main__"})}
    >>> old = type("A", (), {"__module__": "__main__"})()
    >>> stale_classes({"a": old, "b": space["A"](), "c": [old]}, space)
    {'a': 'A', 'c': 'A'}
    """
    found = {name: next(_stale(value, namespace), "") for name, value in values.items()}
    return {name: cls for name, cls in found.items() if cls}


def stale_warning(name: str, cls: str) -> str:
    """Say what such a value is, and what to do about it."""
    return (
        f"`{name}` was made with an earlier `{cls}`, which the notebook has defined again since: the new one does not"
        " know it as its own; make it again"
    )


def _stale(value: Any, namespace: Mapping[str, Any]) -> Iterator[str]:
    kind = type(value)
    elements = islice(value.values() if kind is dict else value, _ELEMENTS) if kind in CONTAINERS else ()
    for each in (value, *elements):
        cls = type(each)
        if cls.__module__ == namespace.get("__name__"):
            now = namespace.get(cls.__name__)
            if isinstance(now, type) and now is not cls and now.__qualname__ == cls.__qualname__:
                yield cls.__name__
