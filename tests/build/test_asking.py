from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.build.asking import Served, curl, plain_input, url_of
from flash_jupyter.build.manifest import Function, Resource

URL = "http://127.0.0.1:8000/v2/abc"
KEY = '-H "Authorization: Bearer $RUNPOD_API_KEY"'
JSON = "-H 'Content-Type: application/json' -d"


def schema(required: list[str], **defaults: Any) -> dict[str, Any]:
    properties = {**{name: {} for name in required}, **{name: {"default": value} for name, value in defaults.items()}}
    return {"type": "object", "properties": properties, "required": required}


TOTAL = Function(name="total", module="m", input_schema=schema(["items"], discount=0.5))
READER = Function(name="Reader", module="m", is_class=True, class_methods=["read", "warm"])
COUNTER = Function(name="Counter", module="m", is_class=True, class_methods=["add"])
PRICE = Function(
    name="price", module="m", http_method="GET", http_path="/prices/{item}", input_schema=schema(["item"], count=1)
)
ORDER = Function(name="order", module="m", http_path="/orders", input_schema=schema([], items=["it's"]))
FIND = Function(
    name="find",
    module="m",
    http_method="GET",
    http_path="/find",
    input_schema=schema([], note="a & b", tags=[1, 2], limit=None),
)
DROP = Function(name="drop", module="m", http_method="DELETE", http_path="/orders/{number:int}")


def served(*functions: Function, is_balanced: bool = False) -> Served:
    resource = Resource(resource_type="X", functions=list(functions), is_load_balanced=is_balanced)
    return Served("shop", "abc", URL, resource)


INPUTS = [
    ("one function", TOTAL, [TOTAL], {"items": []}),
    ("one of two functions", TOTAL, [TOTAL, COUNTER], {"function": "total", "items": []}),
    ("a class with one method", COUNTER, [COUNTER], {"items": []}),
    ("a class with two methods", READER, [READER], {"method": "read", "items": []}),
    ("such a class beside others", READER, [READER, TOTAL], {"function": "Reader", "method": "read", "items": []}),
]


@pytest.mark.parametrize(
    ("function", "functions", "expected"), [case[1:] for case in INPUTS], ids=[case[0] for case in INPUTS]
)
def test_the_plain_input(function: Function, functions: list[Function], expected: dict[str, Any]) -> None:
    assert plain_input(function, served(*functions), {"items": []}) == expected


LINES = [
    (
        "a queue",
        TOTAL,
        False,
        f"""curl -s {URL}/runsync {KEY} {JSON} '{{"input": {{"items": "...", "discount": 0.5}}}}'""",
    ),
    ("a GET", PRICE, True, f"curl -s '{URL}/prices/...?count=1' {KEY}"),
    ("a GET of what a URL has to escape", FIND, True, f"curl -s '{URL}/find?note=a+%26+b&tags=1&tags=2' {KEY}"),
    ("a POST with a quote", ORDER, True, f"""curl -s {URL}/orders {KEY} {JSON} '{{"items": ["it'"'"'s"]}}'"""),
    ("another method", DROP, True, f"curl -X DELETE -s {URL}/orders/... {KEY} {JSON} '{{}}'"),
]


@pytest.mark.parametrize(
    ("function", "is_balanced", "line"), [case[1:] for case in LINES], ids=[case[0] for case in LINES]
)
def test_the_line_for_a_terminal(function: Function, is_balanced: bool, line: str) -> None:
    assert curl(function, served(function, is_balanced=is_balanced)) == line


def test_where_a_function_is_asked() -> None:
    assert url_of(TOTAL, served(TOTAL)) == f"{URL}/runsync"
    assert url_of(PRICE, served(PRICE, is_balanced=True)) == f"{URL}/prices/{{item}}"
