"""What a manifest says of parameters becomes a signature, and a call that does not fit it is never sent."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.build.manifest import Function
from flash_jupyter.deploy.signature import bind, signature_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"count": {"type": "integer", "default": 1}, "item": {"type": "string"}, "when": {}},
    "required": ["item"],
    "additionalProperties": False,
}
PRICE = Function(name="price", module="m", parameters=["item", "when", "count"], input_schema=SCHEMA)
SHOWN = [
    ("the order is that of the parameters", PRICE, "(item: str, when=..., count: int = 1)"),
    ("without them those that are required go first", PRICE.model_copy(update={"parameters": None}), "(item: str, count: int = 1, when=...)"),
    ("what may be more", PRICE.model_copy(update={"input_schema": {**SCHEMA, "additionalProperties": True}}), "(item: str, when=..., count: int = 1, **more)"),
    ("what comes back", PRICE.model_copy(update={"output_schema": {"type": "object"}}), "(item: str, when=..., count: int = 1) -> dict"),
    ("nothing is said of them", PRICE.model_copy(update={"input_schema": None}), "None"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "text"), [c[1:] for c in SHOWN], ids=[c[0] for c in SHOWN])
def test_a_signature_says_what_the_manifest_says(function: Function, text: str) -> None:
    assert str(signature_of(function)) == text


def test_arguments_are_named_and_more_of_them_stand_beside_the_others() -> None:
    open_ended = PRICE.model_copy(update={"input_schema": {**SCHEMA, "additionalProperties": True}})
    assert bind("price", signature_of(PRICE), ("tea", "now"), {"count": 2}) == {
        "item": "tea",
        "when": "now",
        "count": 2,
    }
    assert bind("price", signature_of(open_ended), ("tea",), {"x": 1}) == {"item": "tea", "x": 1}
    assert bind("price", None, (), {"anything": 1}) == {"anything": 1}


WRONG = [
    ("one is missing", PRICE, (), {}, "price() missing a required argument: 'item'\n  → price(item: str, when=..., count: int = 1)"),
    ("one is unknown", PRICE, ("tea",), {"cuont": 2}, "price() got an unexpected keyword argument 'cuont'\n  → price(item: str, when=..., count: int = 1)"),
    ("there are too many", PRICE, (1, 2, 3, 4), {}, "price() got too many positional arguments\n  → price(item: str, when=..., count: int = 1)"),
    ("one is given twice", PRICE, ("tea",), {"item": "tea"}, "price() got multiple values for argument 'item'\n  → price(item: str, when=..., count: int = 1)"),
    ("their order is not known", PRICE.model_copy(update={"input_schema": None}), ("tea",), {}, "price() takes its arguments by name: its manifest does not say their order"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "args", "kwargs", "text"), [c[1:] for c in WRONG], ids=[c[0] for c in WRONG])
def test_what_does_not_fit_is_a_type_error(
    function: Function, args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    with pytest.raises(TypeError) as caught:
        bind("price", signature_of(function), args, kwargs)
    assert str(caught.value) == text
