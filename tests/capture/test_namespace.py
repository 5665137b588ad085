"""From a cell and a notebook to what travels."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.capture.namespace import Capture, capture
from flash_jupyter.errors import OptionError


def notebook(*cells: str) -> dict[str, Any]:
    """A namespace in which these cells ran, as IPython's does: functions' globals are the namespace itself."""
    space: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        exec(compile(cell, "<cell>", "exec", dont_inherit=True), space)
    space.pop("__builtins__")
    return space


CLOSURE = [
    # what travels                            notebook                                       cell              values
    ("only what is read", "a = 1; b = 2", "a + 1", "a"),
    ("nothing of what the cell binds itself", "a = 1", "a = 2\nprint(a)", ""),
    ("a helper with its globals", "K = 3\ndef f(x): return x * K", "f(2)", "K f"),
    ("a helper's helper", "K = 1\ndef g(): return K\ndef f(): return g()", "f()", "K f g"),
    ("functions that call each other", "def f(): return g()\ndef g(): return f()", "f", "f g"),
    ("a recursive function", "def f(n): return f(n - 1)", "f(1)", "f"),
    ("a lambda", "K = 1\nf = lambda: K", "f()", "K f"),
    ("a default value's function", "K = 1\ndef g(): return K\ndef f(a=g): ...", "f()", "K f"),
    ("a closure's function", "K = 1\ndef g(): return K\ndef m(h): return lambda: h()\nf = m(g)", "f()", "K f"),
    (
        "the function under a decorator",
        ("import functools\nK = 1\ndef d(f):\n    @functools.wraps(f)\n    def w(): return f()\n    return w\n"
        "@d\ndef f(): return K"),
        "f()",
        "K f",
    ),
    ("the function under a cache", "import functools\nK = 1\n@functools.lru_cache\ndef f(): return K", "f()", "K f"),
    ("a partial's function", "import functools\nK = 1\ndef g(): return K\nf = functools.partial(g)", "f()", "K f"),
    ("a coroutine and a generator", "K = 1\nasync def f(): return K\ndef g(): yield K", "await f(), g()", "K f g"),
    ("a class with its methods", "K = 1\nclass A:\n    def m(self): return K", "A()", "A K"),
    ("an instance with its class", "K = 1\nclass A:\n    def m(self): return K\na = A()", "a.m()", "K a"),
    ("a base class", "K = 1\nclass B:\n    def m(self): return K\nclass A(B): ...", "A()", "A K"),
    ("a metaclass", "K = 1\nclass M(type):\n    def m(cls): return K\nclass A(metaclass=M): ...", "A.m()", "A K"),
    (
        "properties, static and class methods",
        ("a = b = c = 1\nclass A:\n    @property\n    def p(self): return a\n    @staticmethod\n    def s(): return b\n"
        "    @classmethod\n    def k(cls): return c"),
        "A()",
        "A a b c",
    ),
    ("a class attribute's function", "K = 1\ndef g(): return K\nclass A:\n    h = [g]", "A()", "A K"),
    (
        "a dataclass with a factory",
        ("from dataclasses import dataclass, field\nK = 1\ndef g(): return K\n@dataclass\nclass A:\n"
        "    xs: int = field(default_factory=g)"),
        "A()",
        "A K",
    ),
    ("an instance's attribute", "K = 1\ndef g(): return K\nclass A: ...\na = A(); a.h = g", "a.h()", "K a"),
    ("an instance's slot", "K = 1\ndef g(): return K\nclass A:\n    __slots__ = ('h',)\na = A(); a.h = g", "a", "K a"),
    ("functions in a list", "K = 1\ndef g(): return K\nxs = [g]", "xs[0]()", "K xs"),
    ("functions deep in containers", "K = 1\ndef g(): return K\nxs = {'a': [(1, {g})]}", "xs", "K xs"),
    ("a bound method's object", "K = 1\nclass A:\n    def m(self): return K\nm = A().m", "m()", "K m"),
    ("an annotation's class", "K = 1\nclass A:\n    def m(self): return K\ndef f(a: A): ...", "f", "K f"),
    ("a class in a generic annotation", "class A:\n    def m(self): return K\nK = 1\nT = list[A]", "T", "K T"),
    ("an enum", "import enum\nK = 1\nclass E(enum.Enum):\n    A = 1\n    def m(self): return K", "E.A", "E K"),
    ("a namedtuple's content", ("from collections import namedtuple\nK = 1\ndef g(): return K\n"
     "P = namedtuple('P', 'h')\np = P(g)"), "p", "K p"),
    ("a shadowed builtin", "max = 3", "max + 1", "max"),
    ("a builtin shadowed for a helper", "def len(x): return 1\ndef f(x): return len(x)", "f([])", "f len"),
    ("a module as a value", "import math as m", "m.pi", "m"),
    ("what exists of what may be missing", "a = 1", "try: a; b\nexcept NameError: pass", "a"),
    ("a name bound in one branch", "a = 1", "if True: a = 2\nprint(a)", "a"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "cell", "expected"), [c[1:] for c in CLOSURE], ids=[c[0] for c in CLOSURE])
def test_values(cells: str, cell: str, expected: str) -> None:
    assert set(capture(cell, notebook(cells)).values) == set(expected.split())


def test_values_are_the_notebooks_own_objects() -> None:
    space = notebook("xs = [1]")
    assert capture("xs.append(2)", space).values["xs"] is space["xs"]


def test_the_second_definition_of_a_helper_is_the_one_that_travels() -> None:
    space = notebook("a = 1; b = 2\ndef f(): return a")
    assert set(capture("f()", space).values) == {"f", "a"}
    exec("def f(): return b", space)
    assert set(capture("f()", space).values) == {"f", "b"}


def test_dropped_names_do_not_travel_and_are_no_error() -> None:
    found = capture("f(); big; gone", notebook("big = 1\nK = 2\ndef f(): return K"), drop=["big", "K", "gone"])
    assert set(found.values) == {"f"}
    assert found.undefined == {}


def test_included_names_travel_with_what_they_need() -> None:
    found = capture("eval('f()')", notebook("K = 2\ndef f(): return K"), include=["f"])
    assert set(found.values) == {"f", "K"}


def test_an_included_name_that_does_not_exist_is_an_option_error() -> None:
    with pytest.raises(OptionError) as caught:
        capture("1", notebook("scale = 1"), include=["scal"])
    assert str(caught.value) == "include=scal: the notebook has no such name\n  → did you mean include=scale?"


UNDEFINED = [
    ("at the top", "a = 1\nb = a + missing", {"missing": 2}),
    ("in a function of the cell: it may be bound later", "def f(): return missing", {}),
    ("in a helper of the notebook: not the cell's fault", "f()", {}),
    ("a builtin is defined", "print(len('a'))", {}),
]


@pytest.mark.parametrize(("cell", "expected"), [c[1:] for c in UNDEFINED], ids=[c[0] for c in UNDEFINED])
def test_undefined(cell: str, expected: dict[str, int]) -> None:
    assert capture(cell, notebook("def f(): return nowhere")).undefined == expected


MUTABLE = [
    ("a list that is appended to", "xs = []; n = 1", "xs.append(n)", "xs"),
    ("a list that is only summed", "xs = [1, 2]", "t = sum(xs)", ""),
    ("a list of numbers that is looped over", "xs = [1, 2]", "for x in xs: y = x", ""),
    ("a list of lists that is looped over", "xs = [[1]]", "for x in xs: x.append(1)", "xs"),
    ("lists added to each other share elements", "xs = [[1]]; ys = [2]", "zs = xs + ys", "xs"),
    ("what a helper loads", "xs = []\ndef f(): xs.append(1)", "f()", "xs"),
    ("what is importable comes home by reference", "import math, fractions\nA = fractions.Fraction\ndef f(): ...",
     "f(A, math)", ""),
    ("a class of the notebook that is called may count its instances", "class A: n = 0", "a = A()", "A"),
    ("a class that is only asked for is not compared", "class A: n = 0", "isinstance(1, A)", ""),
    ("members of an enum are fixed", "import enum\nclass E(enum.Enum): A = 1", "f = E(1)", ""),
    ("an iterator moves when looked at", "it = iter([1])", "print(it)", "it"),
    ("what globals() may reach", "xs = []", "print(xs); globals()['xs'].append(1)", "xs"),
    ("what an own print may do", "xs = []\ndef print(x): x.append(1)", "print(xs)", "xs"),
    ("an instance whose method is called", "class A:\n    def m(self): self.n = 1\na = A()", "a.m()", "a"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "cell", "expected"), [c[1:] for c in MUTABLE], ids=[c[0] for c in MUTABLE])
def test_mutable(cells: str, cell: str, expected: str) -> None:
    assert capture(cell, notebook(cells)).mutable == set(expected.split())


IMPORTS = [
    ("of the cell", "", "import torch, os.path", {"torch"}),
    ("of a helper", "def f():\n    import torch.nn", "f()", {"torch"}),
    ("of a module value", "import numpy as np", "np.zeros(1)", {"numpy"}),
    ("of a value's type", "import numpy\nx = numpy.zeros(1)", "x + 1", {"numpy"}),
    ("of a function from a package", "from numpy.linalg import norm", "norm(1)", {"numpy"}),
    ("of values in a list", "import numpy\nxs = [1, numpy.zeros(1)]", "xs", {"numpy"}),
    ("but not what is optional", "", "try: import torch\nexcept ImportError: torch = None", set()),
    ("nor what is not used", "import numpy", "1 + 1", set()),
]


@pytest.mark.parametrize(("cells", "cell", "expected"), [c[1:] for c in IMPORTS], ids=[c[0] for c in IMPORTS])
def test_imports(cells: str, cell: str, expected: set[str]) -> None:
    assert capture(cell, notebook(cells)).imports == expected


def test_submodules_that_are_reached_through_a_package_are_named() -> None:
    space = notebook("import xml, xml.etree.ElementTree, email.mime")
    assert capture("xml.etree.ElementTree.XML('<a/>')", space).submodules == {"xml.etree", "xml.etree.ElementTree"}


def test_what_the_shell_puts_into_every_notebook_stays_here() -> None:
    class Quitter:
        """Stands where IPython's own `exit` does."""

    Quitter.__module__ = "IPython.core.autocall"
    space = notebook("a = 1") | {"exit": Quitter(), "get_ipython": Quitter(), "Out": {1: 2}, "_": 3}
    assert set(capture("exit; get_ipython(); a", space).values) == {"a"}
    assert set(capture("Out[1] + _", space).values) == {"Out", "_"}


def test_the_shells_open_stays_here_though_it_poses_as_the_builtin() -> None:
    shell: dict[str, Any] = {"__name__": "IPython.core.interactiveshell"}
    exec("import functools, io\n@functools.wraps(io.open)\ndef opened(file): ...", shell)
    assert set(capture("open('a')", notebook("a = 1") | {"open": shell["opened"]}).values) == set()


def test_a_name_of_the_users_own_is_sent_even_if_it_is_called_exit() -> None:
    assert set(capture("exit + 1", notebook("exit = 3")).values) == {"exit"}


def test_nothing_of_the_users_is_called() -> None:
    space = notebook(
        "class A:\n"
        "    def __getattribute__(self, name): raise SystemExit(name)\n"
        "    def __eq__(self, other): raise SystemExit\n"
        "    def __hash__(self): raise SystemExit\n"
        "class D(dict):\n"
        "    def __iter__(self): raise SystemExit\n"
        "    def items(self): raise SystemExit\n"
        "a = A(); d = D(x=1)"
    )
    assert set(capture("a, d", space).values) == {"a", "d"}


def test_a_long_list_is_not_walked_element_by_element() -> None:
    space = notebook("xs = [[i] for i in range(300_000)]\nys = list(range(1_000_000))")
    found = capture("f = xs, ys", space)
    assert isinstance(found, Capture)
    assert found.mutable == {"xs", "ys"}


def test_a_long_chain_of_helpers_is_followed_to_its_end() -> None:
    space = notebook("def f0(): ...", *(f"def f{i}(): return f{i - 1}()" for i in range(1, 3000)))
    assert len(capture("f2999()", space).values) == 3000


def test_containers_that_hold_themselves_end() -> None:
    assert set(capture("xs", notebook("xs = []; xs.append(xs); d = {'d': xs}; xs.append(d)")).values) == {"xs"}
