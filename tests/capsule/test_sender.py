"""What the sender says about what it packs: sizes, and the path to what can't travel."""

from __future__ import annotations

import pickle
import types
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.capsule import Sender, Unpicklable, container
from flash_jupyter.capsule.receiver import Receiver

ORDER = {"kind": "cell", "run": "0" * 16, "source": "", "filename": "c"}


def _namespace(source: str) -> dict[str, Any]:
    module = types.ModuleType("__main__")
    exec(source, module.__dict__)
    return module.__dict__


CULPRITS = [
    ("a lock deep inside", "class C: pass\nx = C(); x.a = {'k': [__import__('threading').Lock()]}",
     "x → .a → ['k'] → [0]", "_thread.lock"),
    ("a generator", "x = (i for i in 'ab')", "x", "generator"),
    ("a closure over a lock", "def make():\n l = __import__('threading').Lock()\n return lambda: l\nx = make()",
     "x → (closure l)", "_thread.lock"),
    ("a default that is a lock", "def x(l=__import__('threading').Lock()): pass", "x → (default 0)", "_thread.lock"),
    ("a lock in a tuple", "x = (1, (2, __import__('threading').Lock()))", "x → [1] → [1]", "_thread.lock"),
    ("a class attribute", "class x: l = __import__('threading').Lock()", "x → .l", "_thread.lock"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "path", "culprit"), [c[1:] for c in CULPRITS], ids=[c[0] for c in CULPRITS])
def test_the_path_to_the_culprit(source: str, path: str, culprit: str) -> None:
    names = _namespace(source)
    with pytest.raises(Unpicklable) as caught:
        Sender(names).pack({"ok": 1, "x": names["x"]}, ["x"], ORDER)
    assert (caught.value.name, caught.value.path, caught.value.culprit) == ("x", path, culprit)


def test_a_value_that_is_nested_too_deeply_is_named_without_its_path() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Unpicklable) as caught:
        Sender({}).pack({"deep": deep}, [], ORDER)
    assert str(caught.value) == "deep: list (it is nested too deeply)"


def test_a_file_open_for_writing_is_named(tmp_path: Path) -> None:
    with (tmp_path / "f").open("w") as file, pytest.raises(Unpicklable) as caught:
        Sender({}).pack({"log": {"file": file}}, [], ORDER)
    assert (caught.value.path, caught.value.culprit) == ("log → ['file']", "_io.TextIOWrapper")


def test_sizes_count_buffers_and_count_shared_parts_once() -> None:
    shared = bytearray(50_000)
    sender = Sender({})
    sender.pack({"a": [shared], "b": [shared], "c": 1}, [], ORDER)
    assert sender.sizes["a"] > 50_000
    assert sender.sizes["b"] < 100
    assert sender.sizes["c"] < 100


def test_buffers_leave_the_stream_and_are_named_by_their_content() -> None:
    import numpy as np

    array = np.arange(20_000.0)
    order, sections = container.read_capsule(Sender({}).pack({"a": array, "b": array.copy()}, [], ORDER))
    assert len(sections["values"]) < 2_000
    assert len(order["buffers"]) == 2
    assert len(sections) == 2


def test_the_capsule_of_a_small_notebook_is_small() -> None:
    names = _namespace("K = 3\ndef helper(x): return x * K\nclass P:\n    def f(self): return K\np = P()")
    values = {name: names[name] for name in ("K", "helper", "P", "p")}
    assert len(Sender(names).pack(values, ["p"], ORDER)) < 2_000


def test_code_that_no_compiler_makes_travels_too() -> None:
    namespace = _namespace("def f():\n    return (1, 'two')")
    function = namespace["f"]
    odd = (object,)  # nothing that code written by a compiler could hold
    function.__code__ = function.__code__.replace(co_consts=(None, odd))
    home: dict[str, Any] = {}
    Receiver(Sender(namespace).pack({"f": function}, (), {"run": "r"})).load(home)
    assert home["f"]() == odd


def test_code_of_another_python_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    namespace = _namespace("def f():\n    return 1")
    capsule = Sender(namespace).pack({"f": namespace["f"]}, (), {"run": "r"})
    monkeypatch.setattr("flash_jupyter.capsule.pickling.PYTHON", "2.7")
    with pytest.raises(pickle.UnpicklingError, match=r"code of Python 3\..* which Python 2.7 can't run"):
        Receiver(capsule).load({})


def test_the_places_in_the_code_of_a_function_travel() -> None:
    namespace = _namespace("def f(x):\n    def g():\n        return x / 0\n    return g()")
    home: dict[str, Any] = {}
    Receiver(Sender(namespace).pack({"f": namespace["f"]}, (), {"run": "r"})).load(home)
    codes = [home["f"].__code__, namespace["f"].__code__]
    assert codes[0] == codes[1]
    assert len({tuple(code.co_lines()) for code in codes}) == 1
