"""Kinds of objects that pickle and cloudpickle refuse or make into something else: each goes, is used, and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cells import Notebook, WorkerProcess


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess()
    yield process
    process.close()


@pytest.fixture
def notebook(worker: WorkerProcess) -> Notebook:
    return Notebook(worker)


#: what it is, the cell here, what the cell over there reads, its text, what holds here afterwards
KINDS = [
    ("closures that share a variable",
     "def make():\n n = 0\n def add():\n  nonlocal n; n += 1\n def get(): return n\n return add, get\nadd, get = make()",
     "add get", "add(); add(); seen = get()", "seen == 2 and get() == 2"),
    ("a closure that calls itself",
     "def make():\n def fact(n): return n * fact(n - 1) if n else 1\n return fact\nfact = make()",
     "fact", "seen = fact(5)", "seen == 120 and fact(3) == 6"),
    ("closures that call each other",
     "def make():\n def even(n): return n == 0 or odd(n - 1)\n def odd(n): return n and even(n - 1)\n return even, odd\neven, odd = make()",
     "even odd", "seen = even(10), odd(10)", "seen == (True, 0)"),
    ("a closure over a variable that was never bound",
     "def make(bind):\n if bind: v = 1\n def f(): return v\n return f\nf = make(False)",
     "f", "try: f()\nexcept NameError: seen = 'unbound'", "seen == 'unbound'"),
    ("a cached property, which holds a lock",
     "import functools\nclass A:\n @functools.cached_property\n def x(self): return [1]\na = A()",
     "A a", "a.x.append(2)", "a.x == [1, 2] and A().x == [1]"),
    ("a function under singledispatch",
     "from functools import *\nK = 1\n@singledispatch\ndef show(x): return 'any'\n@show.register(int)\ndef _(x): return K",
     "show K", "K = 2; seen = show(1), show('')", "seen == (2, 'any') and show(1) == 2"),
    ("a method under singledispatch",
     "from functools import *\nclass A:\n @singledispatchmethod\n def f(s, x): return 'any'\n @f.register\n def _(s, x: int): return 'int'\na = A()",
     "A a", "seen = a.f(1), a.f('')", "seen == ('int', 'any')"),
    ("subclasses in a registry of their base",
     "class Base:\n all = []\n def __init_subclass__(cls): Base.all.append(cls)\nclass A(Base): pass",
     "A Base", "class B(A): pass\nseen = [c.__name__ for c in Base.all]", "seen == ['A', 'B'] and Base.all == [A, B]"),
    ("typing.NamedTuple", "import typing\nclass N(typing.NamedTuple):\n a: int\n b: str = 'x'",
     "N", "n = N(1)", "type(n) is N and n == (1, 'x')"),
    ("an exception with an own __init__",
     "class Own(Exception):\n def __init__(self, code): super().__init__(f'code {code}'); self.code = code",
     "Own", "kept = Own(3)", "type(kept) is Own and str(kept) == 'code 3' and kept.code == 3"),
    ("an exception that takes more than it passes on",
     "class Own(ValueError):\n def __init__(self, a, *, b): super().__init__(a); self.b = b",
     "Own", "kept = Own(1, b=2)", "(kept.args, kept.b) == ((1,), 2)"),
    ("an exception with fields in C", "class Own(OSError):\n def __init__(self, *a): super().__init__(*a)",
     "Own", "kept = Own(2, 'no')", "(kept.errno, kept.strerror) == (2, 'no')"),
    ("an ordered dictionary, in place",
     "import collections; od = collections.OrderedDict(a=1); al = od",
     "od", "od['b'] = 2; od.move_to_end('a')", "al is od and list(od.items()) == [('b', 2), ('a', 1)]"),
    ("a series' name and a frame's attrs",
     "import pandas; s = pandas.Series([1]); df = pandas.DataFrame({'a': [1]})",
     "s df", "s.name = 'n'; s.iloc[0] = 5; df.attrs['k'] = 1; df['b'] = 2", "s.name == 'n' and df.attrs == {'k': 1}"),
    ("a class that counts its instances", "class A:\n n = 0\n def __init__(self): A.n += 1",
     "A", "a = A(); b = A()", "A.n == 2 and type(a) is A"),
    ("a class that lost an attribute", "class A:\n n = 0\n m = 1", "A", "del A.n", "not hasattr(A, 'n') and A.m == 1"),
    ("the shell", "", "", "ip = get_ipython()", "ip is None"),
    ("annotations are values, not text", "", "", "def f(a: int): pass\nseen = f.__annotations__", "seen == {'a': int}"),
]  # fmt: skip


@pytest.mark.parametrize(("setup", "reads", "cell", "holds"), [c[1:] for c in KINDS], ids=[c[0] for c in KINDS])
def test_it_goes_and_comes_back(notebook: Notebook, setup: str, reads: str, cell: str, holds: str) -> None:
    notebook.here(setup)
    answer = notebook.there(cell, reads.split())
    assert answer.order["error"] is None
    assert answer.failed == []
    assert eval(holds, notebook.names)
