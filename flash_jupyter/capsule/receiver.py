"""The half that works over there: fills the namespace of the cell, and packs what the cell made of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flash_jupyter.capsule.blame import Unpicklable, blame
from flash_jupyter.capsule.changes import REPLACE, Change, content_of, find_change, holds_any, snapshot
from flash_jupyter.capsule.container import masked, read_capsule, write_capsule
from flash_jupyter.capsule.pickling import PYTHON, Pickler, Unpickler, no_code

#: as `sender.RESULT`
RESULT_NAME = "\0result"
#: under which the exception of the user's code comes home, where it can be pickled
ERROR_NAME = "\0error"
#: types whose values are rebuilt wherever they could be pickled
PLAIN = frozenset({int, float, complex, bool, str, bytes, type(None)})
#: streams up to this size are read once before they are sent
REBUILD_BYTES = 1 << 20


class Receiver:
    """Reads one capsule and writes its answer."""

    def __init__(self, capsule: bytes) -> None:
        self.order, self._sections = read_capsule(capsule)
        self._namespace: dict[str, Any] = {}
        self._initial: dict[str, Any] = {}
        self._objects: list[Any] = []
        self._before: dict[int, list[Any]] = {}
        self.failed: list[dict[str, str]] = []
        home = self.order.get("python", PYTHON)
        self._no_code = "" if home == PYTHON else no_code(PYTHON, f"the notebook's Python {home}")

    @property
    def skew(self) -> str:
        """Why the functions that travelled can't run here; empty where they can."""
        home = self.order.get("python", PYTHON)
        return no_code(home, f"the worker's Python {PYTHON}") if self._no_code and self.order.get("code") else ""

    @property
    def env(self) -> dict[str, str]:
        """The environment variables of the job."""
        if "env" not in self._sections:
            return {}
        env: dict[str, str] = json.loads(masked(self._sections["env"], self.order["run"]))
        return env

    def load(self, namespace: dict[str, Any]) -> None:
        """Fill `namespace` with what travelled, and remember how everything looks that may be changed."""
        buffers = [
            self._sections[name] if readonly else bytearray(self._sections[name])
            for name, readonly in self.order["buffers"]
        ]
        unpickler = Unpickler(self._sections["values"], namespace, objects=[], buffers=buffers)
        for _ in range(self.order["count"]):
            name, value = unpickler.load()
            namespace[name] = value
        self._objects = list(unpickler.load())
        self._namespace, self._initial = namespace, dict(namespace)
        for number in range(self.order["compared"]):
            look = snapshot(self._objects[number])
            if look is not None:
                self._before[number] = look

    def pack(self, order: Mapping[str, Any], extra: Mapping[str, Any], keep: Callable[[str], bool]) -> bytes:
        """Put what the cell bound, deleted and changed into bytes, `extra` values beside it.

        A value that can't be pickled is listed in `failed` (a `_name` is left out silently); the others travel.
        """
        news, replaced = self._changed()
        known = {id(obj): number for number, obj in enumerate(self._objects) if id(obj) not in replaced}
        values = {name: value for name, value in self._bound(replaced).items() if keep(name)} | dict(extra)
        failed = self.failed = []
        pickler = self._pickle(values, news, known, failed)
        deleted = sorted(name for name in self._initial if name not in self._namespace and keep(name))
        return _written(pickler, {**order, "deleted": deleted, "failed": failed, "count": len(values)})

    def pack_result(self, order: Mapping[str, Any], values: Mapping[str, Any]) -> bytes:
        """Put what a call made into bytes, and nothing of its namespace.

        All of it is a copy, arguments that it returns included: they may have been changed here, and are not at home.
        Only classes, which are all that its sender counted, come home as themselves.
        """
        known = {id(obj): number for number, obj in enumerate(self._objects)}
        values, failed = dict(values), list[dict[str, str]]()
        self.failed = failed
        pickler = self._pickle(values, [], known, failed)
        return _written(pickler, {**order, "deleted": [], "failed": failed, "count": len(values)})

    def sizes(self) -> dict[str, int]:
        """Bytes of each bound name on its own, for the message that says which one is too large."""
        found = {}
        for name, value in self._bound(set()).items():
            pickler = Pickler(self._namespace, no_code=self._no_code)
            try:
                pickler.dump(value)
            except Exception:  # see `_pickle`
                continue
            found[name] = pickler.file.tell() + pickler.buffers.size_bytes
        return found

    def _changed(self) -> tuple[list[tuple[int, Change]], set[int]]:
        """The changed objects with their news, and the ids of those that must be replaced as a whole."""
        found = {}
        for number, before in self._before.items():
            news = find_change(self._objects[number], before)
            if news is not None:
                found[number] = news
        replaced = {id(self._objects[n]) for n, news in found.items() if news[0] == REPLACE}
        for number, before in self._before.items() if replaced else ():
            if number not in found and holds_any(before, replaced):
                found[number] = content_of(self._objects[number])
        return [(n, news) for n, news in found.items() if id(self._objects[n]) not in replaced], replaced

    def _bound(self, replaced: set[int]) -> dict[str, Any]:
        """Names that are bound to another object than before, in the order in which the namespace has them."""
        return {
            name: value
            for name, value in self._namespace.items()
            if name not in self._initial or self._initial[name] is not value or id(value) in replaced
        }

    def _pickle(
        self,
        values: dict[str, Any],
        news: list[tuple[int, Change]],
        known: Mapping[int, int],
        failed: list[dict[str, str]],
    ) -> Pickler:
        """Pickle all together; where that fails, without those that fail alone."""
        try:
            return self._dump(values, news, known)
        except Exception:  # pickling runs code of the objects: anything can come
            self._drop_unpicklable(values, known, failed)
            return self._dump(values, [item for item in news if self._travels(item, known, failed)], known)

    def _rebuild(self, pickler: Pickler, count: int) -> None:
        """Read what was written, as home will: what pickles can still refuse to be rebuilt."""
        if pickler.file.tell() > REBUILD_BYTES:
            return
        buffers = [bytearray(pickler.buffers.bodies[name]) for name, _ in pickler.buffers.order]
        unpickler = Unpickler(pickler.written(), self._namespace, objects=self._objects, buffers=buffers)
        for _ in range(count):
            unpickler.load()

    def _dump(self, values: Mapping[str, Any], news: list[tuple[int, Change]], known: Mapping[int, int]) -> Pickler:
        pickler = Pickler(self._namespace, known=known, no_code=self._no_code)
        for item in values.items():
            pickler.dump(item)
        pickler.dump(news)
        if news or not PLAIN.issuperset(map(type, values.values())):
            self._rebuild(pickler, len(values) + 1)
        return pickler

    def _drop_unpicklable(self, values: dict[str, Any], known: Mapping[int, int], failed: list[dict[str, str]]) -> None:
        for name, value in list(values.items()):
            found = self._refusal(name, value, known)
            if found is not None:
                del values[name]
                if not name.startswith("_"):
                    failed.append(_failure(found, value))

    def _travels(self, item: tuple[int, Change], known: Mapping[int, int], failed: list[dict[str, str]]) -> bool:
        number, news = item
        obj = self._objects[number]
        name = next((name for name, value in self._namespace.items() if value is obj), type(obj).__name__)
        found = self._refusal(name, news[1], known)
        if found is not None:
            failed.append(_failure(found, obj))
        return found is None

    def _refusal(self, name: str, value: Any, known: Mapping[int, int]) -> Unpicklable | None:
        def dump(part: Any) -> None:
            pickler = Pickler(self._namespace, known=known, no_code=self._no_code)
            pickler.dump(part)
            self._rebuild(pickler, 1)

        try:
            dump(value)
        except Exception as error:  # see `_pickle`
            return blame(name, value, dump, error)
        return None


def _written(pickler: Pickler, order: dict[str, Any]) -> bytes:
    full = {**order, "buffers": pickler.buffers.order}
    return write_capsule(full, {"values": pickler.written(), **pickler.buffers.bodies})


def _failure(found: Unpicklable, value: Any) -> dict[str, str]:
    return {
        "name": found.name,
        "path": found.path,
        "culprit": found.culprit,
        "reason": found.reason,
        "repr": _short_repr(value),
    }


def _short_repr(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:  # a repr is the user's code
        text = f"<repr raised {type(error).__name__}>"
    return text if len(text) <= 200 else f"{text[:197]}..."
