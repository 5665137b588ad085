from __future__ import annotations

import base64
import json
import pickle
from typing import Any

from flash_jupyter.capsule import Receiver
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.prepare import CellRequest, encode, prepare


def sent(cell: str, names: dict[str, Any], **options: Any) -> tuple[dict[str, Any], Receiver]:
    """The request's body, and the capsule in it as a worker reads it."""
    request = CellRequest(cell, {"__name__": "__main__", **names}, make_options(**options), "<cell 3>")
    body = json.loads(prepare(request, image_family="gpu").body())
    return body, Receiver(pickle.loads(base64.b64decode(body["input"]["args"][0])))


def test_the_body_is_a_function_request() -> None:
    body, _ = sent("1", {})
    assert set(body) == {"input"}
    assert body["input"]["function_name"] == "flash_jupyter_run"
    assert body["input"]["execution_type"] == "function"
    compile(body["input"]["function_code"], "<sent>", "exec")


def test_a_timeout_is_the_jobs_policy() -> None:
    assert sent("1", {}, timeout=7)[0]["policy"] == {"executionTimeout": 7000}


def test_the_order_says_what_to_run_and_how() -> None:
    _, receiver = sent("!ls\ny = x", {"x": 1}, deps=("numpy>=2",), out=("y",), drop=("z",))
    order = receiver.order
    assert order["source"] == "get_ipython().system('ls')\ny = x\n"
    assert (order["deps"], order["out"], order["drop"]) == (["numpy>=2"], ["y"], ["z"])
    assert (order["kind"], order["filename"], order["expression"]) == ("cell", "<cell 3>", False)
    assert len(order["run"]) == 16


def test_only_what_is_read_travels() -> None:
    _, receiver = sent("y = x", {"x": 1, "unused": 2})
    there: dict[str, Any] = {}
    receiver.load(there)
    assert there["x"] == 1
    assert "unused" not in there


def test_env_travels_masked() -> None:
    body, receiver = sent("1", {}, env={"TOKEN": "correct-horse"})
    assert receiver.env == {"TOKEN": "correct-horse"}
    assert b"correct-horse" not in base64.b64decode(body["input"]["args"][0])


def test_texts_with_quotes_and_umlauts_are_encoded_as_json_does() -> None:
    request = {"a": 'say "ä"\n', "b": [1, None], "c": {"d": True}}
    assert json.loads(encode(request, None)) == {"input": request}
