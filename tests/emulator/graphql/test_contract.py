"""The server against the examples that our client is tested with: same keys, same types, fixed words equal."""

from __future__ import annotations

from typing import Any

from contract import example
from emulated import Api

#: recorded examples in the order of a deployment, and what their ids are called in them
ORDER = (
    ("create-app", "app1"),
    ("create-environment", "env1"),
    ("prepare-upload", None),
    ("finalize-upload", "build1"),
    ("deploy", None),
    ("build", None),
    ("save-endpoint", "ep1"),
    ("update-manifest", None),
    ("app-by-name", None),
    ("apps", None),
    ("builds", None),
    ("environments", None),
    ("environment", None),
    ("environment-by-name", None),
    ("delete-endpoint", None),
    ("delete-environment", None),
    ("delete-app", None),
)
#: words whose value is part of the contract; of other values the type is
FIXED = {"type", "state", "manifest", "instanceIds", "gpuIds", "workersMin", "workersMax"}


def shape(value: Any, key: str = "") -> Any:
    if key in FIXED:
        return value
    if isinstance(value, dict):
        return {name: shape(member, name) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value]
    return type(value).__name__


class Conversation:
    """Sends the requests of examples; their made-up ids become those of this embedded Runpod."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._ids: dict[str, str] = {}

    def say(self, name: str, made: str | None) -> None:
        recorded = example(f"graphql-{name}")
        answer = self._api.post("/graphql", json=self._mapped(recorded["request"]["body"]))
        expected = recorded["response"]
        assert answer.status_code == expected["status"]
        assert shape(answer.json()) == shape(expected["body"]), name
        (value,) = answer.json()["data"].values()
        if made is not None:
            self._ids[made] = value["id"]
        if name == "prepare-upload":
            self._ids["flash/u/app1/b.tar.gz"] = value["objectKey"]
            assert self._api.request("PUT", value["uploadUrl"], content=bytes(212_003), headers={}).status_code == 200

    def _mapped(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._mapped(member) for name, member in value.items()}
        return self._ids.get(value, value) if isinstance(value, str) else value


def test_the_examples_of_a_deployment(api: Api) -> None:
    conversation = Conversation(api)
    for name, made in ORDER:
        conversation.say(name, made)


def test_an_unknown_app(api: Api) -> None:
    recorded = example("graphql-app-not-found")
    body = api.post("/graphql", json=recorded["request"]["body"]).json()
    (expected,) = [error["message"] for error in recorded["response"]["body"]["errors"]]
    assert expected in body["errors"][0]["message"]


def test_a_refused_endpoint(api: Api) -> None:
    recorded = example("graphql-save-endpoint-refused")
    answer = api.post("/graphql", json=recorded["request"]["body"])
    assert answer.status_code == recorded["response"]["status"]
    assert set(answer.json()) == {"errors", "data"}
