"""A call whose arguments do not fit is told as Python tells it, whichever of its reasons `Signature.bind` has."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from flash_jupyter.transport.routes import named_arguments

REASONS: list[tuple[str, Callable[..., None], tuple[Any, ...], dict[str, Any], str]] = [
    ("one is missing", lambda a: None, (), {}, r"f\(\) missing a required argument: 'a'\n  → f\(a\)"),
    ("one too many", lambda a: None, (1, 2), {}, r"f\(\) got too many positional arguments\n  → f\(a\)"),
    ("one twice", lambda a: None, (1,), {"a": 2}, r"f\(\) got multiple values for argument 'a'\n  → f\(a\)"),
    ("one is unknown", lambda a: None, (1,), {"b": 2}, r"f\(\) got an unexpected keyword argument 'b'\n  → f\(a\)"),
    (
        "one without a name by its name",
        lambda a, /: None,
        (),
        {"a": 1},
        r"f\(\) got some positional-only arguments passed as keyword arguments: 'a'\n  → f\(a, /\)",
    ),
]


@pytest.mark.parametrize(("function", "args", "kwargs", "text"), [r[1:] for r in REASONS], ids=[r[0] for r in REASONS])
def test_arguments_that_do_not_fit(
    function: Callable[..., None], args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    with pytest.raises(TypeError, match=f"^{text}$"):
        named_arguments("f", inspect.signature(function), (args, kwargs))
