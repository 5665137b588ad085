"""How an object travels: cloudpickle, with three rules of our own.

1. The namespace of the notebook is a persistent id: a function or class of the notebook travels without its
   globals, and is bound over there to *the* namespace of the cell. After `K = 10`, `helper` sees 10.
2. An object that the other side already has is its number. So what is unchanged keeps its identity, and a class of
   the notebook comes home as itself.
3. A module is its name. Where it is missing, the object at its place says so when it is used, and everything
   else arrives.

Buffers of 64 KiB and more leave the stream and are named by their SHA-256.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import marshal
import pickle
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import cloudpickle

from flash_jupyter.capsule.kinds import MAKERS, class_reduced, is_known_everywhere, reduced_specially

BUFFER_FROM_BYTES = 64 * 1024
ATOMS = frozenset({int, float, complex, bool, str, bytes, type(None), type(...), types.CodeType, types.CellType})

#: what code holds beside code, tuples and frozensets
CONSTANTS = frozenset({int, float, complex, bool, str, bytes, type(None), type(...)})

#: the minor version that runs here: code of a function is understood by no other
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"

Pid = tuple[str, Any]
NAMESPACE: Pid = ("namespace", None)


def no_code(python: str, other: str) -> str:
    """Say why a function can't travel.

    >>> no_code("3.11", "the worker's Python 3.12")
    "code of Python 3.11, which the worker's Python 3.12 can't run"
    """
    return f"code of Python {python}, which {other} can't run"


class Buffers:
    """The buffers of one stream: bytes by SHA-256, and the order in which the stream wants them."""

    def __init__(self) -> None:
        self.bodies: dict[str, memoryview] = {}
        self.order: list[tuple[str, bool]] = []

    def offer(self, buffer: pickle.PickleBuffer) -> bool:
        """Take a large buffer out of the stream; true means that it stays in, as pickle wants it."""
        view = buffer.raw()
        if view.nbytes < BUFFER_FROM_BYTES:
            return True
        name = hashlib.sha256(view).hexdigest()
        self.bodies[name] = view
        self.order.append((name, view.readonly))
        return False

    @property
    def size_bytes(self) -> int:
        """Bytes of all buffers together."""
        return sum(body.nbytes for body in self.bodies.values())


class Pickler(cloudpickle.Pickler):
    """Writes one stream in which objects may be shared between all that is dumped.

    `known` maps the id of an object which the other side has to its number there; `notice` sees every object that
    is written by value. `no_code` says why code can't travel, where the other side runs another Python; `has_code` is
    whether any did.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        *,
        known: Mapping[int, int] | None = None,
        notice: Callable[[Any], None] | None = None,
        no_code: str = "",
    ) -> None:
        self.file = io.BytesIO()
        self.buffers = Buffers()
        super().__init__(self.file, protocol=5, buffer_callback=self.buffers.offer)
        self._namespace = namespace
        self._known: Mapping[int, int] = known or {}
        self._notice = notice
        self._no_code, self.has_code = no_code, False

    def persistent_id(self, obj: Any) -> Pid | None:
        """Say what travels as a word instead of by value."""
        kind = type(obj)
        if kind is types.CodeType:
            return self._code(obj)
        if kind in ATOMS:
            return None
        if obj is self._namespace:
            return NAMESPACE
        if kind is types.FunctionType and obj.__name__ in MAKERS and MAKERS[obj.__name__] is obj:
            return ("maker", obj.__name__)
        number = self._known.get(id(obj))
        if number is not None:
            return ("object", number)
        if isinstance(obj, types.ModuleType) and obj.__name__ != "__main__":
            return ("module", obj.__name__)
        if self._notice is not None:
            self._notice(obj)
        return None

    def _code(self, code: types.CodeType) -> Pid | None:
        """Write code as Python itself does, in a tenth of the time; made by hand of odd constants it goes by value."""
        self.has_code = True
        if self._no_code:
            raise pickle.PicklingError(self._no_code)
        return ("code", (PYTHON, marshal.dumps(code))) if _is_compiled(code) else None

    def reducer_override(self, obj: Any) -> Any:
        """Leave the globals of the notebook's functions at home, and mend what cloudpickle (3.1.2) makes otherwise."""
        if is_known_everywhere(obj):
            return NotImplemented
        special = reduced_specially(obj)
        if special is not None:
            return special
        reduced = super().reducer_override(obj)
        if not isinstance(reduced, tuple):
            return reduced
        if isinstance(obj, type):
            return class_reduced(obj, reduced)
        if isinstance(obj, types.FunctionType):
            return self._function_reduced(obj, reduced)
        return reduced

    def _function_reduced(self, function: types.FunctionType, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give a function its own cells, so that functions that share one still do, and no globals of the notebook."""
        make, (code, home, name, defaults, _empty, *args), (state, slots), *rest = reduced
        slots = {**slots, "__closure__": None}
        if function.__globals__ is self._namespace:
            home, slots["__globals__"] = self._namespace, {}
        return (make, (code, home, name, defaults, function.__closure__, *args), (state, slots), *rest)

    def written(self) -> bytes:
        """The stream so far."""
        return self.file.getvalue()


class Unpickler(pickle.Unpickler):
    """Reads such a stream; `objects` are those that this side has under their numbers."""

    def __init__(
        self,
        stream: bytes,
        namespace: dict[str, Any],
        *,
        objects: list[Any],
        buffers: Iterable[Any] = (),
    ) -> None:
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self._namespace = namespace
        self._objects = objects

    def persistent_load(self, pid: Pid) -> Any:
        """Turn a word back into the object that it stands for."""
        kind, what = pid
        if kind == "object":
            return self._objects[what]
        if kind == "namespace":
            return self._namespace
        if kind == "maker":
            return MAKERS[what]
        if kind == "code":
            return _read_code(*what)
        try:
            return importlib.import_module(what)
        except ImportError:
            return AbsentModule(what)


class LenientUnpickler(Unpickler):
    """Reads one of a machine that has other packages, too; `absent` are those that this one lacks."""

    def __init__(self, stream: bytes, namespace: dict[str, Any], *, objects: list[Any], buffers: Iterable[Any]) -> None:
        super().__init__(stream, namespace, objects=objects, buffers=buffers)
        self.absent: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        """Find a global, or put something at its place that says what is missing."""
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            if module == "__main__":
                raise
            self.absent.add(module.partition(".")[0])
            return type(name, (Absent,), {"__module__": module})


def _is_compiled(value: Any) -> bool:
    """Whether code, or a constant of it, is what a compiler makes: of anything else `marshal` may make something else.

    >>> _is_compiled((1, "a", frozenset({2.0}))), _is_compiled((memoryview(b""),))
    (True, False)
    """
    kind = type(value)
    if kind is types.CodeType:
        return all(map(_is_compiled, value.co_consts))
    return all(map(_is_compiled, value)) if kind in (tuple, frozenset) else kind in CONSTANTS


def _read_code(python: str, code: bytes) -> Any:
    """Return what `marshal` wrote; each minor version of Python reads its own only, and does not say so."""
    if python != PYTHON:
        raise pickle.UnpicklingError(no_code(python, f"Python {PYTHON}"))
    return marshal.loads(code)


class Absent:
    """Stands for an object whose type does not exist here; it can be passed on, but not used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.__dict__.update(args=args, kwargs=kwargs)

    def __setstate__(self, state: Any) -> None:
        self.__dict__["state"] = state

    def __repr__(self) -> str:
        package = type(self).__module__.partition(".")[0]
        return f"<{type(self).__module__}.{type(self).__qualname__} of the worker; {package} is not installed here>"


class AbsentModule(types.ModuleType):
    """Stands for a module that does not exist here."""

    def __getattr__(self, name: str) -> Any:
        raise ModuleNotFoundError(f"{self.__name__!r} was imported on the worker and is not installed here")
