"""Which values can be other ones afterwards."""

from __future__ import annotations

import datetime as dt
import enum
import math
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flash_jupyter.capture.names import analyse
from flash_jupyter.capture.values import Use, describe, least_bytes, may_change


class Colour(enum.Enum):
    RED = 1


class Thing:
    pass


CASES = [
    ("a number never changes", 3, Use.OBJECT, False),
    ("text neither", "a", Use.OBJECT, False),
    ("a function comes home by reference", len, Use.OBJECT, False),
    ("a class too", Thing, Use.OBJECT, False),
    ("a module too", dt, Use.OBJECT, False),
    ("an enum member", Colour.RED, Use.OBJECT, False),
    ("a path and a date", (Path("a"), dt.date(2026, 1, 1)), Use.OBJECT, False),
    ("a numpy scalar", np.float32(1), Use.OBJECT, False),
    ("a tuple of atoms", (1, ("a", None)), Use.OBJECT, False),
    ("a tuple with a list", (1, []), Use.OBJECT, True),
    ("a list that was handed over", [1], Use.OBJECT, True),
    ("a list of numbers whose elements were", [1, 2], Use.ELEMENT, False),
    ("a list of lists whose elements were", [[1]], Use.ELEMENT, True),
    ("a list of lists that was added to another", [[1]], Use.COPY, True),
    ("a dict of lists whose values were", {"a": [1]}, Use.ELEMENT, True),
    ("a deque", deque([1]), Use.OBJECT, True),
    ("an array in arithmetic", np.zeros(3), Use.COPY, False),
    ("an array of which a view was taken", np.zeros(3), Use.ELEMENT, True),
    ("an instance that was only shown", Thing(), Use.LOOK, False),
    ("an instance that was handed over", Thing(), Use.OBJECT, True),
    ("an iterator, even when only looked at", iter([1]), Use.LOOK, True),
]


@pytest.mark.parametrize(("value", "use", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_may_change(value: object, use: Use, expected: bool) -> None:
    assert may_change(value, use) is expected


MUTATES = [
    # what the cell does                      source                                          may change
    ("arithmetic makes something new", "y = a + b * c", ""),
    ("matrix product too", "y = x @ w", ""),
    ("comparison looks", "a < b <= c", ""),
    ("condition looks", "if a: pass\nwhile b and not c: break", ""),
    ("f-string and format look", "f'{a:>{b}}'\nformat(c)", ""),
    ("print, len and str look", "print(a, len(b), str(c), repr(d), type(e))", ""),
    ("isinstance, abs, any and round look", "isinstance(a, b), abs(c), any(d), round(e)", ""),
    ("last line shows", "df", ""),
    ("last line sorts a copy", "sorted(xs)", ""),
    ("membership looks", "k in d", ""),
    ("index of something shown", "print(d[k])", ""),
    ("attribute of something shown", "print(x.shape, x.T)", ""),
    ("attribute in arithmetic", "n = x.shape[0] * 2", ""),
    ("assert and del of the name", "assert a, b\ndel c", ""),
    ("rebinding changes the name, not the object", "xs = 1", ""),
    ("a name of its own", "xs = []\nxs.append(1)", ""),
    ("sum of numbers", "t = sum(xs)", ""),
    ("match on literals", "match x:\n    case 1: ...", ""),
    ("method call", "xs.append(1)", "xs"),
    ("method call on an attribute", "m.layers.append(1)", "m"),
    ("method call on an item", "rows[0].append(1)", "rows"),
    ("item store", "d[k] = v", "d v"),
    ("store into an item of an item", "d['a']['b'] = 1", "d"),
    ("attribute store", "cfg.lr = 1", "cfg"),
    ("del of an item", "del d[k]", "d"),
    ("augmented assignment", "xs += ys", "xs"),
    ("augmented item", "d[k] += 1", "d"),
    ("argument of an unknown function", "f(x)", "f x"),
    ("keyword argument", "f(a=x)", "f x"),
    ("star argument", "f(*xs)", "f xs"),
    ("print into a file object", "print(x, file=out)", "out"),
    ("another name for it", "y = x", "x"),
    ("an element gets another name", "y = xs[0]", "xs"),
    ("a view gets a name", "y = x[1:]", "x"),
    ("an attribute gets a name", "y = m.weights", "m"),
    ("stored in a list", "y = [x, z]", "x z"),
    ("stored in a dict", "y = {'k': x, **z}", "x z"),
    ("unpacked", "a, b = pair", "pair"),
    ("loop variable", "for x in xs: x.go()", "xs"),
    ("comprehension element", "y = [x for x in xs]", "xs"),
    ("sorted with names kept", "y = sorted(xs)", "xs"),
    ("key function sees the elements", "sorted(xs, key=f)", "f xs"),
    ("map hands out elements", "y = map(f, xs)", "f xs"),
    ("either of two", "y = a or b", "a b"),
    ("one of two by condition", "y = a if c else b", "a b"),
    ("walrus gives a name", "print(y := x)", "x"),
    ("captured by match", "match x:\n    case [a]: ...", "x"),
    ("with object", "with lock: pass", "lock"),
    ("returned from a function", "def f(): return x", "x"),
    ("changed in a function", "def f(): xs.append(1)", "xs"),
    ("a default argument", "def f(a=x): ...", "x"),
    ("awaited", "await job", "job"),
    ("shadowed builtin looks no more", "def print(x): x.clear()\nprint(xs)", "xs"),
    ("next moves an iterator", "next(it)", "it"),
]


@pytest.mark.parametrize(("source", "expected"), [c[1:] for c in MUTATES], ids=[c[0] for c in MUTATES])
def test_mutates(source: str, expected: str) -> None:
    assert analyse(source).mutates == set(expected.split())


class Rude:
    """Whoever calls anything of it hears about it."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(name)

    def __len__(self) -> int:
        raise AssertionError


class RudeArray(np.ndarray[Any, Any]):
    @property
    def nbytes(self) -> int:
        raise AssertionError


SHOWN: list[tuple[str, Any, str, int]] = [
    ("a number", 3, "int", 0),
    ("a text", "häuser", "str of 6", 6),
    ("bytes", b"x" * 5000, "bytes of 5,000", 5000),
    ("a list of texts", ["ab", "c"], "list of 2", 3),
    ("a list of numbers", list(range(1000)), "list of 1,000", 1000),
    ("nested containers", {"a": [b"x" * 10, (b"y" * 20,)]}, "dict of 1", 30),
    ("an array", np.zeros((3, 4)), "numpy.ndarray 3 x 4 float64", 96),
    ("a list of arrays", [np.zeros(10), np.zeros(10)], "list of 2", 160),
    ("a table", pd.DataFrame({"a": [1, 2]}), "pandas.DataFrame 2 x 1", 148),
    ("a column", pd.Series([1.0] * 100), "pandas.Series 100", 932),
    ("a module", math, "module math", 0),
    ("a function", describe, "function", 0),
    ("a class", Rude, "class", 0),
    ("an instance that is left alone", Rude(), "flash_jupyter.Rude", 0),
    ("an array of a class of its own", np.zeros(2).view(RudeArray), "flash_jupyter.RudeArray 2 float64", 16),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text", "least"), [case[1:] for case in SHOWN], ids=[case[0] for case in SHOWN])
def test_a_value_in_words_and_bytes(value: Any, text: str, least: int) -> None:
    library = type(value).__module__.partition(".")[0]
    assert describe(value) == text.replace("flash_jupyter", library)
    assert abs(least_bytes(value) - least) <= (20 if "pandas" in text else 0)


def test_what_is_nested_without_end_is_not_followed() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert least_bytes(endless) <= 3
