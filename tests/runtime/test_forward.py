"""Which routes a mothership has for the functions of an app, and what they say of themselves."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from flash_jupyter.errors import FlashError
from flash_jupyter.runtime.forward import add_functions, targets_of

SCORE = {
    "name": "score",
    "doc": "How warm.",
    "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}
BASKET = {"name": "Basket", "is_class": True, "class_methods": ["add", "clear"], "methods": [{"name": "add", "doc": "Put it in."}]}  # fmt: skip
PRICE = {
    "name": "price",
    "http_method": "get",
    "http_path": "/price/{item}",
    "input_schema": {
        "type": "object",
        "properties": {"item": {"type": "string"}, "count": {"type": "integer", "default": 1}},
        "required": ["item"],
    },
}
MANIFEST: dict[str, Any] = {
    "resources": {
        "till": {"functions": [SCORE, BASKET]},
        "web": {"functions": [PRICE], "is_load_balanced": True},
        "other": {"functions": [{**SCORE, "name": "score"}]},
        "mothership": {"functions": [], "is_load_balanced": True},
    }
}


def refuse() -> Any:
    raise FlashError("nobody is asked in this test")


def test_a_job_says_beside_its_arguments_which_function_and_method_is_meant() -> None:
    assert [(target.method, target.path, target.beside) for target, _ in targets_of(MANIFEST)] == [
        ("POST", "/score", {"function": "score"}),
        ("POST", "/Basket/add", {"function": "Basket", "method": "add"}),
        ("POST", "/Basket/clear", {"function": "Basket", "method": "clear"}),
        ("GET", "/price/{item}", None),
        ("POST", "/score", {}),
    ]


def test_each_has_a_route_of_its_own_with_what_the_manifest_says() -> None:
    app = FastAPI()
    add_functions(app, MANIFEST, refuse, "env1")
    paths = app.openapi()["paths"]
    assert list(paths) == ["/score", "/Basket/add", "/Basket/clear", "/price/{item}", "/other/score"]
    assert paths["/score"]["post"]["description"] == "How warm."
    assert paths["/Basket/add"]["post"]["description"] == "Put it in."
    body = paths["/score"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert (body["properties"], body["required"]) == ({"text": {"type": "string"}}, ["text"])
    places = [(each["name"], each["in"], each["required"]) for each in paths["/price/{item}"]["get"]["parameters"]]
    assert places == [("item", "path", True), ("count", "query", False)]
