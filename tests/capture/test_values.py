"""Which values can be other ones afterwards."""

from __future__ import annotations

import datetime as dt
import enum
from collections import deque
from pathlib import Path

import numpy as np
import pytest

from flash_jupyter.capture.mutation import Use
from flash_jupyter.capture.values import may_change


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
