"""The half that stays at home: packs what a cell reads, and takes in what comes back."""

from __future__ import annotations

import json
import pickle
import types
from collections.abc import Callable, Collection, Mapping
from typing import Any

from flash_jupyter.capsule.applying import apply_change
from flash_jupyter.capsule.blame import Unpicklable, blame
from flash_jupyter.capsule.changes import Change
from flash_jupyter.capsule.container import Buffer, masked, read_capsule, write_capsule
from flash_jupyter.capsule.kinds import travels_by_value
from flash_jupyter.capsule.pickling import ATOMS, PYTHON, LenientUnpickler, Pickler, no_code

#: the name under which the value of a cell's last expression comes home; no notebook can have such a name
RESULT = "\0result"
#: and the exception of the user's code, where it can be pickled
ERROR = "\0error"


class Answer:
    """What a worker sent back, unpickled, not applied yet."""

    def __init__(
        self,
        order: dict[str, Any],
        values: dict[str, Any],
        updates: list[tuple[Any, Change]],
        namespace: dict[str, Any],
        absent: frozenset[str],
    ) -> None:
        self.order, self.values, self.absent = order, values, absent
        self.failed: list[dict[str, str]] = order.get("failed", [])
        self.namespace, self._updates = namespace, updates

    @property
    def has_result(self) -> bool:
        """Whether the cell's last expression has a value."""
        return RESULT in self.values

    @property
    def result(self) -> Any:
        """The value of the cell's last expression, or None."""
        return self.values.get(RESULT)

    @property
    def error(self) -> Any:
        """The exception of the user's code, where it could travel, or None."""
        return self.values.get(ERROR)

    def apply(self, keep: Callable[[str], bool] = lambda _name: True) -> list[str]:
        """Bind, delete and change in place, as the cell did; return the names that were bound, sorted."""
        for original, news in self._updates:
            apply_change(original, news)
        bound = [name for name in self.values if name not in {RESULT, ERROR} and keep(name)]
        self.namespace.update({name: self.values[name] for name in bound})
        for name in filter(keep, self.order.get("deleted", [])):
            self.namespace.pop(name, None)
        return sorted(bound)


class Sender:
    """Packs one job, and reads its answer: it keeps the table of the objects that travelled.

    With `by_value`, as calls want it, only classes are in the table: everything else that comes home is a copy.
    `python` is the worker's minor version, where it is known to be another one: then no code can travel.
    """

    def __init__(self, namespace: dict[str, Any], *, by_value: bool = False, python: str = PYTHON) -> None:
        self._namespace, self._by_value = namespace, by_value
        self._no_code = "" if python == PYTHON else no_code(PYTHON, f"the worker's Python {python}")
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self.sizes: dict[str, int] = {}

    def pack(self, values: Mapping[str, Any], mutable: Collection[str], order: Mapping[str, Any]) -> bytes:
        """Put what a cell reads into bytes.

        `mutable` are the names whose objects the cell may change: these are compared over there, if `out` of the
        order does not leave them out. `order` is the JSON part; its `env` is masked. Raises `Unpicklable` for the
        first value that can't travel.
        """
        out = order.get("out")
        watched = [name for name in values if name in mutable and (out is None or name in out)]
        notice = self._notice_class if self._by_value else self._notice
        pickler = Pickler(self._namespace, notice=notice, no_code=self._no_code)
        for name in watched:
            self._dump(pickler, name, values[name])
        compared = len(self._objects)
        for name in [name for name in values if name not in watched]:
            self._dump(pickler, name, values[name])
        pickler.dump(tuple(self._objects))
        plain = {key: value for key, value in order.items() if key != "env"}
        plain |= {"count": len(values), "compared": compared, "buffers": pickler.buffers.order}
        plain |= {"python": PYTHON, "code": pickler.has_code}
        sections: dict[str, Buffer] = {"values": pickler.written(), **pickler.buffers.bodies}
        if order.get("env"):
            sections["env"] = masked(json.dumps(order["env"]).encode(), order["run"])
        return write_capsule(plain, sections)

    def unpack(self, answer: bytes) -> Answer:
        """Read an answer; nothing in the namespace changes before `Answer.apply`."""
        order, sections = read_capsule(answer)
        buffers = [_restore(sections[name], readonly) for name, readonly in order["buffers"]]
        unpickler = LenientUnpickler(sections["values"], self._namespace, objects=self._objects, buffers=buffers)
        values = dict(unpickler.load() for _ in range(order["count"]))
        updates = [(self._objects[number], news) for number, news in unpickler.load()]
        return Answer(order, values, updates, self._namespace, frozenset(unpickler.absent))

    def _dump(self, pickler: Pickler, name: str, value: Any) -> None:
        before = pickler.file.tell() + pickler.buffers.size_bytes
        try:
            pickler.dump((name, value))
        except Exception as error:  # pickling runs code of the objects: anything can come
            raise blame(name, value, self._try, error) from None
        self.sizes[name] = pickler.file.tell() + pickler.buffers.size_bytes - before
        if isinstance(value, (tuple, frozenset)) and not self._by_value:
            self._number(value)

    def _try(self, value: Any) -> None:
        Pickler(self._namespace, no_code=self._no_code).dump(value)

    def _notice(self, obj: Any) -> None:
        """Give an object that is written by value a number, if it is worth one."""
        if type(obj) in ATOMS or isinstance(obj, (tuple, frozenset)):
            return
        if isinstance(obj, type) and not travels_by_value(obj):
            return
        if isinstance(obj, (pickle.PickleBuffer, types.BuiltinFunctionType, property, staticmethod, classmethod)):
            return
        self._number(obj)

    def _notice_class(self, obj: Any) -> None:
        """As `_notice`, for classes only."""
        if issubclass(type(obj), type) and travels_by_value(obj):
            self._number(obj)

    def _number(self, obj: Any) -> None:
        if id(obj) not in self._numbers:
            self._numbers[id(obj)] = len(self._objects)
            self._objects.append(obj)


def _restore(body: bytes, readonly: bool) -> bytes | bytearray:
    return body if readonly else bytearray(body)


__all__ = ["ERROR", "RESULT", "Answer", "Sender", "Unpicklable"]
