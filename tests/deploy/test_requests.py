"""What a call of a deployed function sends, and what it refuses to send."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from emulated import unpickled

from flash_jupyter import limits
from flash_jupyter.build.manifest import Function
from flash_jupyter.deploy.requests import job_request, plain_request, route_request
from flash_jupyter.errors import PayloadTooLargeError, SerializationError
from flash_jupyter.runtime.request import Instance

SCORE = Function(name="score", module="m")
BASKET = Function(name="Basket", module="m", is_class=True, class_methods=["add"])


def plain(text: str) -> Any:
    return unpickled({"success": True, "result": text})


def test_a_function_gets_its_arguments_by_name_in_the_pickled_form() -> None:
    request = job_request(SCORE, {"words": {"tea"}})
    sent = json.loads(request.body())["input"]
    assert (sent["function_name"], sent["execution_type"]) == ("score", "function")
    assert {name: plain(value) for name, value in sent["kwargs"].items()} == {"words": {"tea"}}
    assert request.is_pickled


def test_a_method_says_which_object_it_belongs_to_and_how_that_is_made() -> None:
    instance = Instance("b1", "add", ((), {"owner": "ann"}))
    given = json.loads(job_request(BASKET, {"item": "tea"}, instance).body())["input"]
    assert {name: plain(value) for name, value in given["constructor_kwargs"].items()} == {"owner": "ann"}
    assert (given["class_name"], given["instance_id"], given["method_name"]) == ("Basket", "b1", "add")
    assert given["create_new_instance"] is False


def test_a_handler_of_a_released_client_gets_json_and_never_an_empty_input() -> None:
    assert json.loads(plain_request({"x": 1}).body()) == {"input": {"x": 1}}
    assert json.loads(plain_request({}).body()) == {"input": {"__empty": True}}


def test_a_route_is_asked_as_anybody_asks_it() -> None:
    price = Function(name="price", module="m", http_method="get", http_path="/price/{item}")
    request = route_request(price, {"item": "a/b", "count": 2})
    assert (request.method, request.path, request.query) == ("GET", "/price/a%2Fb", {"count": 2})
    assert request.content is None


def test_what_cannot_travel_is_said_before_anything_is_sent() -> None:
    with pytest.raises(SerializationError) as caught:
        job_request(SCORE, {"words": {"lock": [threading.Lock()]}})
    assert caught.value.path == "argument words → ['lock'] → [0]"
    with pytest.raises(PayloadTooLargeError) as large:
        job_request(SCORE, {"text": "x" * limits.RUN_PAYLOAD_BYTES})
    assert list(large.value.sizes) == ["argument text"]
