"""`POST /graphql` itself: who may ask, what is no document, and that graphql-core waits for the first request."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from asking import ask
from emulated import Api
from graphql_documents import DOCUMENTS

UNAUTHORIZED = {"errors": [{"message": "the API key is missing or wrong"}]}


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "AuthRequest" not in name])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}], ids=["no key", "a wrong key"])
def test_an_operation_needs_the_key(api: Api, name: str, headers: dict[str, str]) -> None:
    answer = api.post("/graphql", json={"query": DOCUMENTS[name], "variables": {}}, headers=headers)
    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


@pytest.mark.parametrize(
    "query",
    [
        'mutation { createFlashAuthRequest { id } createFlashApp(input: {name: "x"}) { id } }',
        "mutation { createFlashAuthRequest { id } } query other { myself { id } }",
        "query { ...rest } fragment rest on Query { myself { id } }",
        "query { ... { myself { id } } }",
        "query { flashAuthRequestStatus: myself { id } }",
        "{ __schema { types { name } } }",
    ],
    ids=["a second field", "a second operation", "a fragment", "an inline fragment", "an alias", "introspection"],
)
def test_nothing_is_smuggled_in_with_a_login(api: Api, query: str) -> None:
    answer = api.post("/graphql", json={"query": query}, headers={})
    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)
    assert ask(api, "getFlashApps") == {"flashApps": []}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"query": "{ nope }"}, "Cannot query field 'nope' on type 'Query'."),
        ({"query": "{ myself { nope } }"}, "Cannot query field 'nope' on type 'User'."),
        ({"query": "{ myself"}, "Syntax Error: Expected Name, found <EOF>."),
        ({"query": 1}, 'the body must be {"query": TEXT, "variables": {...}}'),
        ([], 'the body must be {"query": TEXT, "variables": {...}}'),
        ({"query": "{ myself { id } }", "variables": 1}, 'the body must be {"query": TEXT, "variables": {...}}'),
    ],
)
def test_what_can_not_be_executed_answers_400(api: Api, body: Any, message: str) -> None:
    answer = api.post("/graphql", json=body)
    assert answer.status_code == 400
    assert [error["message"] for error in answer.json()["errors"]] == [message]
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    ("name", "variables", "about"),
    [("getEndpoint", {}, "Variable '$id'"), ("saveEndpoint", {"input": {"strange": 1}}, "'strange'")],
    ids=["a variable that is missing", "a field that the input does not have"],
)
def test_variables_that_do_not_fit_answer_400(api: Api, name: str, variables: dict[str, Any], about: str) -> None:
    """The words are graphql-core's, and differ between its versions."""
    answer = api.post("/graphql", json={"query": DOCUMENTS[name], "variables": variables})
    assert (answer.status_code, set(answer.json())) == (400, {"errors"})
    assert about in answer.json()["errors"][0]["message"]


def test_a_body_that_is_not_json(api: Api) -> None:
    answer = api.post("/graphql", content=b"{")
    assert (answer.status_code, answer.json()) == (400, {"errors": [{"message": "the body is not JSON"}]})


def test_an_anonymous_operation_without_variables(api: Api) -> None:
    assert api.post("/graphql", json={"query": "{ myself { id } }", "variables": None}).json() == {
        "data": {"myself": {"id": "user_local"}}
    }


def test_the_first_cell_does_not_wait_for_graphql() -> None:
    code = "import sys, flash_jupyter.emulator.__main__; sys.exit('graphql' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_endpoints_own_key_opens_its_data_plane_only(api: Api) -> None:
    one, other = api.endpoint(), api.endpoint()
    query = f'{{ myself {{ endpoint(id: "{one}") {{ aiKey }} }} }}'
    key = api.post("/graphql", json={"query": query}).json()["data"]["myself"]["endpoint"]["aiKey"]
    headers = {"Authorization": f"Bearer {key}"}
    assert api.get(f"/v2/{one}/health", headers=headers).status_code == 200
    for path in (f"/v2/{other}/health", f"/v2/serverless/{one}", "/v2/serverless", "/_flash/info"):
        assert api.get(path, headers=headers).status_code == 401
    assert api.post("/graphql", json={"query": query}, headers=headers).status_code == 401
