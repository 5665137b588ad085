"""What type checkers know of a decorated thing: the parameters `P` of the function, and what it returns, `R`."""

from __future__ import annotations

from typing import Any

from typing_extensions import ParamSpec, TypeVar

#: with defaults, so that our own code need not say them where it does not matter
P = ParamSpec("P", default=...)
R = TypeVar("R", default=Any)

__all__ = ["P", "R"]
