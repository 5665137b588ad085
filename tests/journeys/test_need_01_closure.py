"""Need 1: cells of a notebook, none of them edited, one of them on a worker; the story that the project is for."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey

CELL_3 = '%%remote                                # cell 3\ny = helper(2) + math.pi\nprint("on the worker")\ny'


def test_need_01_what_other_cells_define_travels_and_the_result_comes_home(notebook: Any) -> None:
    notebook.ok("import math; K = 3")
    notebook.ok("def helper(x): return x * K")
    cell = notebook.ok(CELL_3)
    assert (cell.stdout, cell.stderr, cell.result) == ("on the worker\n", "", "9.141592653589793")
    assert notebook.value("y == helper(2) + math.pi"), "here it is the same"

    notebook.ok("def helper(x): return x + K")
    assert notebook.ok(CELL_3).result == "8.141592653589793", "the new body is used"
    notebook.ok("K = 30")
    assert notebook.ok(CELL_3).result == "35.1415926535898", "and the new constant"


def test_need_01_helpers_of_helpers_travel_too(notebook: Any) -> None:
    notebook.ok("from math import sqrt as root\nimport statistics as st\nLEVELS = [1, 4, 9]")
    notebook.ok("class Scale:\n    factor = 2\n    def of(self, x): return root(x) * self.factor")
    notebook.ok("def inner(x): return Scale().of(x)\ndef outer(): return st.mean(inner(x) for x in LEVELS)")
    assert notebook.ok("%%remote\nmean = outer()\nmean").result == "4.0"
    assert notebook.value("mean == outer()")


def test_need_01_every_kind_of_notebook_code_travels(notebook: Any) -> None:
    notebook.ok(
        "import functools\n"
        "double = lambda x: x * FACTOR\n"
        "FACTOR = 2\n"
        "def counter():\n"
        "    n = 0\n"
        "    def step():\n"
        "        nonlocal n\n"
        "        n += 1\n"
        "        return n\n"
        "    return step\n"
        "step = counter()\n"
        "add_one = functools.partial(lambda a, b: a + b, 1)\n"
        "@functools.lru_cache\n"
        "def cached(x): return double(x) + add_one(x)"
    )
    assert notebook.ok("%%remote\ncached(3), step(), step()").result == "(10, 1, 2)"
