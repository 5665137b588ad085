"""Whose objects a cell may change: one row a sentence."""

from __future__ import annotations

import pytest

from flash_jupyter.capture.names import analyse

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
