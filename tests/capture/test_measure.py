"""What a value is called, and how large it is at least."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flash_jupyter.capture.measure import describe, least_bytes


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
