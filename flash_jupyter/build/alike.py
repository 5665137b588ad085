"""Whether a bundle's value is the notebook's: floats within a tolerance, arrays and tables by what they hold. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

#: what another processor or another build of a library may make of the same floats
RELATIVE, ABSOLUTE = 1e-6, 1e-9


def is_alike(expected: Any, got: Any) -> bool:
    """Whether two values are the same, as far as a caller over HTTP could tell.

    >>> is_alike({"p": (0.1 + 0.2, None)}, {"p": [0.3, None]}), is_alike([1, 2], [1, 3]), is_alike(True, 1)
    (True, False, False)
    """
    left, right = plain(expected), plain(got)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        both_nan = math.isnan(left) and math.isnan(right)
        return both_nan or math.isclose(left, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_alike(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_alike, left, right))
    return type(left) is type(right) and bool(left == right)


def plain(value: Any) -> Any:
    """Return a value as JSON would have it: lists for arrays, tuples and sets, dicts with texts as keys.

    >>> plain({1: (2, 3), "s": {5, 4}})
    {'1': [2, 3], 's': [4, 5]}
    """
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a data frame
        return plain(value.to_dict("list"))
    if hasattr(value, "tolist"):  # an array, a series, a tensor, or a number of theirs
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [plain(item) for item in value]
    return value
