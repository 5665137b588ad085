"""A module of a project in the kernel of its scratch copy."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flash_jupyter.build.rehearsal import is_alike

PROGRAM = """
from flash_jupyter.build.rehearsal import Rehearsal
names = {}
print(Rehearsal.begin(names, "order.json").load("shop", ["double"]), sorted(names))
"""
CASES = [
    ("of ours", "from flash_jupyter import Endpoint\n", "\"\" ['double']\n"),
    ("written for the released client", "from runpod_flash import Endpoint\n", "\"\" ['double']\n"),
    (
        "that can't be imported",
        "import nowhere_at_all\n",
        "\"shop can't be imported here: ModuleNotFoundError: No module named 'nowhere_at_all'\" []\n",
    ),
]
SAME: list[tuple[str, Any, Any]] = [
    ("floats of another processor", 0.1 + 0.2, 0.3),
    ("not a number", [math.nan], [math.nan]),
    ("an array and its list", np.array([[1.0, 2.0]]), [[1.0, 2.0]]),
    ("a number of numpy", np.float64(1.5), 1.5),
    ("an integer and a float of its value", 2, 2.0),
    ("a tuple and a list", {"a": (1, 2)}, {"a": [1, 2]}),
    ("keys that JSON makes texts", {1: "a"}, {"1": "a"}),
    ("two data frames", pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]})),
    ("texts", "tea", "tea"),
    ("nothing", None, None),
]
DIFFERENT: list[tuple[str, Any, Any]] = [
    ("floats", 1.0, 1.001),
    ("a truth and a number", True, 1),
    ("lists of another length", [1, 2], [1, 2, 3]),
    ("keys", {"a": 1}, {"b": 1}),
    ("a number and its text", 1, "1"),
    ("nothing and an empty list", None, []),
    ("arrays", np.array([1.0, 2.0]), np.array([1.0, 3.0])),
    ("data frames", pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
]


@pytest.mark.parametrize(("line", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_module_is_imported_or_it_is_said_why_not(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "order.json").write_text('{"served": [], "key": "", "own": []}')
    (tmp_path / "shop.py").write_text(f"{line}def double(x=4): return 2 * x\n")
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (said, "")


@pytest.mark.parametrize(("expected", "got"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_the_same(expected: Any, got: Any) -> None:
    assert is_alike(expected, got)


@pytest.mark.parametrize(("expected", "got"), [case[1:] for case in DIFFERENT], ids=[case[0] for case in DIFFERENT])
def test_not_the_same(expected: Any, got: Any) -> None:
    assert not is_alike(expected, got)
