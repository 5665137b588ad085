"""Which values can be other ones afterwards."""

from __future__ import annotations

import datetime as dt
import enum
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from flash_jupyter.capture.names import analyse
from flash_jupyter.capture.values import Use, may_change


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
    names = analyse(source)
    assert {name for name in names.reads if names.uses[name] >= Use.ELEMENT} == set(expected.split())
