"""From the values that a cell reads to all that they need: other names of the notebook, and modules.

A function of the notebook brings what its code reads; so does a class with its methods, an instance with its class,
and whatever holds one of them: containers, partials, wrappers, the `__dict__` of any object. Nothing of the user's is
called on the way; that is why types are asked, and not `isinstance`, which asks the object for its `__class__`.
"""

from __future__ import annotations

import functools
import logging
import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from flash_jupyter.capture.names import code_names
from flash_jupyter.capture.values import ATOMS, CONTAINERS, Use, all_atoms, elements

#: how deep containers and `__dict__`s are looked into, and how many objects in all; functions and classes don't count
DEPTH = 6
OBJECTS = 10_000
#: of a long container, so many elements are looked into
ELEMENTS = 1_000

#: IPython puts these into every notebook, and the worker has its own
SHELL_NAMES = frozenset({"display", "exit", "get_ipython", "open", "quit"})
_SHELL_MODULES = frozenset({"IPython", "ipykernel"})


class Reach:
    """Collects `values` (name -> value), their `uses`, and `modules` (dotted names of what they come from).

    `readers` says of a name which function was the first to read it; what the cell itself reads has none.
    """

    def __init__(self, namespace: Mapping[str, Any], drop: Collection[str] = ()) -> None:
        self.values: dict[str, Any] = {}
        self.uses: dict[str, Use] = {}
        self.readers: dict[str, str] = {}
        self.modules: set[str] = set()
        self.attributes: set[str] = set()
        self._namespace = namespace
        self._module = namespace.get("__name__", "__main__")
        self._drop = frozenset(drop)
        self._seen: dict[int, object] = {}  # holds them, so that an id stays the object's own
        self._todo: list[tuple[Any, int]] = []
        self._objects = 0
        self._slots: dict[int, tuple[types.MemberDescriptorType, ...]] = {}

    def need(self, name: str, use: Use, reader: str = "") -> bool:
        """Take a name of the notebook, which `reader` reads; False where there is no such name.

        `finish` takes what its value needs.
        """
        if name in self.values:
            self.uses[name] = max(use, self.uses[name])
            return True
        if name not in self._namespace:
            return False
        value = self._namespace[name]
        if name in self._drop or (name in SHELL_NAMES and _origin(value) in _SHELL_MODULES):
            return True
        self.values[name] = value
        self.uses[name] = use
        if reader:
            self.readers[name] = reader
        self._todo.append((value, 0))
        return True

    def follow(self, values: Iterable[Any]) -> None:
        """Take what travels without a name: a function that is called, its arguments."""
        self._follow_all(values, 0)

    def finish(self) -> None:
        """Take all that the values need; a worklist, because chains of helpers and objects can be long."""
        while self._todo:
            self._follow(*self._todo.pop())

    def _follow(self, value: Any, depth: int) -> None:
        kind = type(value)
        if kind in ATOMS or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        follow = _BY_TYPE.get(kind)
        if follow is not None:
            follow(self, value, depth)
        elif issubclass(kind, type):
            self._follow_class(value, depth)
        elif issubclass(kind, types.ModuleType):
            self.modules.add(value.__name__)
        else:
            self._follow_object(value, depth)

    def _follow_all(self, values: Iterable[Any], depth: int) -> None:
        if depth <= DEPTH:
            self._todo += [(value, depth) for value in values]

    def from_module(self, module: object) -> bool:
        """Note that something comes from this module; True where that is the notebook itself.

        A name that was never imported is no module: `namedtuple` makes up one for each of its classes.
        """
        if module == self._module:
            return True
        if isinstance(module, str) and module in sys.modules:
            self.modules.add(module)
        return False

    # --- by kind ---------------------------------------------------------------------------------------------

    def _follow_function(self, function: types.FunctionType, depth: int) -> None:
        if function.__globals__ is self._namespace:
            names = code_names(function.__code__)
            self.modules |= names.modules
            self.attributes |= names.attributes
            for name in names.reads:
                self.need(name, Use.OBJECT, function.__qualname__)
        else:
            self.from_module(function.__globals__.get("__name__"))
        parts = [function.__defaults__, function.__kwdefaults__, function.__dict__, _annotations(function)]
        self._follow_all([part for part in parts if part], depth)
        self._follow_all(map(_contents, function.__closure__ or ()), depth)

    def _follow_class(self, cls: type, depth: int) -> None:
        if not self.from_module(cls.__module__):
            return
        self._follow_all([type(cls), *cls.__bases__], depth)
        self._follow_all([value for name, value in vars(cls).items() if name not in _CLASS_MACHINERY], depth)

    def _follow_container(self, container: Any, depth: int) -> None:
        self._objects += 1
        if depth >= DEPTH or self._objects > OBJECTS or all_atoms(container):
            return
        self._follow_all(elements(container, ELEMENTS), depth + 1)

    def _follow_parts(self, value: Any, depth: int) -> None:
        names = _PARTS[type(value)]
        self._follow_all([getattr(value, name) for name in names], depth)

    def _follow_object(self, value: object, depth: int) -> None:
        self._objects += 1
        self._follow_all([type(value)], depth)
        if depth >= DEPTH or self._objects > OBJECTS:
            return
        try:
            inside = object.__getattribute__(value, "__dict__")
        except AttributeError:
            inside = {}
        if type(inside) is dict and inside:
            self._follow_all(elements(inside, ELEMENTS), depth + 1)
        for base in CONTAINERS:
            if issubclass(type(value), base):  # a subclass: a namedtuple, a defaultdict
                self._follow_container(_plain(value, base), depth)
        slots = self._slots.get(id(type(value)))
        if slots is None:
            slots = self._slots[id(type(value))] = _find_slots(type(value))
        self._follow_all([_slot(value, slot) for slot in slots], depth + 1)


_PARTS: dict[type, tuple[str, ...]] = {
    types.MethodType: ("__func__", "__self__"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
    functools.partial: ("func", "args", "keywords"),
    functools.partialmethod: ("func", "args", "keywords"),
    functools.cached_property: ("func",),
    types.GenericAlias: ("__origin__", "__args__"),
    types.UnionType: ("__args__",),
}
_BY_TYPE: dict[type, Callable[[Reach, Any, int], object]] = {
    types.FunctionType: Reach._follow_function,
    **dict.fromkeys(CONTAINERS, Reach._follow_container),
    **dict.fromkeys(_PARTS, Reach._follow_parts),
    types.BuiltinFunctionType: lambda reach, value, _depth: reach.from_module(value.__module__),
    logging.Logger: lambda _reach, _value, _depth: None,  # it travels as its name, without its handlers
    logging.RootLogger: lambda _reach, _value, _depth: None,
    types.GetSetDescriptorType: lambda _reach, _value, _depth: None,
    types.MemberDescriptorType: lambda _reach, _value, _depth: None,
}
_CLASS_MACHINERY = frozenset({"__dict__", "__weakref__", "__module__", "__qualname__", "__doc__", "__slots__"})


def _contents(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _annotations(function: types.FunctionType) -> Any:
    if sys.version_info >= (3, 14):
        return function.__annotate__  # evaluating them here might fail where they are never asked for
    return function.__annotations__


def _origin(value: object) -> str:
    if type(value) is types.FunctionType:  # IPython's `open` says that it is `_io.open`
        module = value.__globals__.get("__name__")
    else:
        module = getattr(value, "__module__", None) or type(value).__module__
    return str(module).partition(".")[0]


def _plain(value: Any, base: Any) -> Any:
    return dict(dict.items(value)) if base is dict else list(base.__iter__(value))


def _find_slots(cls: type) -> tuple[types.MemberDescriptorType, ...]:
    members = [member for base in cls.__mro__ for member in vars(base).values()]
    return tuple(member for member in members if isinstance(member, types.MemberDescriptorType))


def _slot(value: object, slot: types.MemberDescriptorType) -> Any:
    try:
        return slot.__get__(value, type(value))
    except (AttributeError, TypeError):  # not set
        return None
