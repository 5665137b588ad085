"""Restricted API keys: what each may do, and that everything else is refused as the platform refuses it."""

from __future__ import annotations

from typing import Any

import pytest
from emulated import Api

READ = {"query": "{ myself { endpoints { id name } } }"}
CREATE = {"query": 'mutation { createFlashApp(input: {name: "x"}) { id } }'}


def headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def key_for(api: Api, **body: Any) -> dict[str, str]:
    answer = api.post("/_flash/keys", json={"name": "restricted", **body})
    assert answer.status_code == 201, answer.text
    return headers(answer.json()["key"])


def graphql(api: Api, query: str) -> Any:
    answer = api.post("/graphql", json={"query": query})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def in_environment(api: Api, name: str) -> tuple[str, str]:
    """Make an endpoint in an environment of its own; returns the ids of both."""
    app = graphql(api, f'mutation {{ createFlashApp(input: {{name: "{name}"}}) {{ id }} }}')["createFlashApp"]["id"]
    given = f'{{flashAppId: "{app}", name: "production"}}'
    made = graphql(api, f"mutation {{ createFlashEnvironment(input: {given}) {{ id }} }}")
    environment: str = made["createFlashEnvironment"]["id"]
    endpoint = api.endpoint(name=f"{name}-one")
    given = f'{{flashEnvironmentId: "{environment}", endpointId: "{endpoint}"}}'
    graphql(api, f"mutation {{ addEndpointToFlashEnvironment(input: {given}) {{ id }} }}")
    return environment, endpoint


def test_a_key_calls_the_endpoints_that_it_was_made_for_and_no_other(api: Api) -> None:
    mine, other = api.endpoint(), api.endpoint(name="two")
    key = key_for(api, endpoints=[mine], account="none")
    assert api.post(f"/v2/{mine}/run", json={"input": {}}, headers=key).status_code == 200
    assert api.get(f"/v2/{mine}/health", headers={"Authorization": key["Authorization"][7:]}).status_code == 200
    refused = api.post(f"/v2/{other}/run", json={"input": {}}, headers=key)
    assert (refused.status_code, refused.json()) == (
        401,
        {"error": "the restricted API key restricted may not do this"},
    )


def test_a_key_of_an_environment_calls_what_is_in_it_by_id_and_by_name(api: Api) -> None:
    environment, mine = in_environment(api, "shop")
    _, other = in_environment(api, "bank")
    key = key_for(api, environments=[environment], account="read")
    assert api.get(f"/v2/{mine}/health", headers=key).status_code == 200
    assert api.get(f"/v2/{other}/health", headers=key).status_code == 401
    named = {"X-Flash-App": "shop", "X-Flash-Environment": "production", "X-Flash-Endpoint": "shop-one"}
    job = api.post("/v2/flash/run", json={"input": {}}, headers={**key, **named})
    assert job.status_code == 200
    assert api.get(f"/v2/flash/status/{job.json()['id']}", headers=key).status_code == 200
    foreign = {**named, "X-Flash-App": "bank", "X-Flash-Endpoint": "bank-one"}
    assert api.post("/v2/flash/run", json={"input": {}}, headers={**key, **foreign}).status_code == 401
    job_of_other = api.run(other)
    assert api.get(f"/v2/flash/status/{job_of_other}", headers=key).status_code == 401


@pytest.mark.parametrize(
    ("account", "statuses"),
    [("none", [403, 403, 403, 403]), ("read", [200, 403, 200, 403]), ("write", [200, 200, 200, 422])],
)
def test_what_a_key_may_do_with_the_account(account: str, statuses: list[int], api: Api) -> None:
    key = key_for(api, account=account)
    asked = [
        api.post("/graphql", json=READ, headers=key),
        api.post("/graphql", json=CREATE, headers=key),
        api.get("/v2/serverless", headers=key),
        api.post("/v2/serverless", json={}, headers=key),
    ]
    assert [answer.status_code for answer in asked] == statuses


def test_refusals_have_the_form_of_their_plane(api: Api) -> None:
    key = key_for(api, account="read")
    assert api.post("/graphql", json=CREATE, headers=key).json() == {
        "errors": [{"message": "the API key may read only, and not run a mutation"}]
    }
    refused = api.request("DELETE", f"/v2/serverless/{api.endpoint()}", headers=key)
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["title"] == "Forbidden"


@pytest.mark.parametrize(
    "query",
    [
        "{ myself { endpoints { aiKey } } }",
        "{ myself { endpoints { innocent: aiKey } } }",
        "{ myself { endpoints { ...on Endpoint { aiKey } } } }",
        "query { myself { endpoints { ...f } } } fragment f on Endpoint { aiKey }",
    ],
    ids=["plain", "renamed", "in an inline fragment", "in a fragment"],
)
def test_a_key_that_reads_does_not_read_the_keys_of_endpoints(query: str, api: Api) -> None:
    answer = api.post("/graphql", json={"query": query}, headers=key_for(api, account="read"))
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
        403,
        "the API key may not read the keys of endpoints",
    )


@pytest.mark.parametrize("account", ["none", "read", "write"])
def test_no_key_reaches_what_is_the_embedded_runpods_own_or_its_workers(account: str, api: Api) -> None:
    endpoint, worker, job = api.running_job()
    key = key_for(api, endpoints=[endpoint], account=account)
    for method, path in [
        ("GET", "/_flash/secrets"),
        ("PUT", "/_flash/secrets/x"),
        ("GET", "/_flash/keys"),
        ("POST", "/_flash/keys"),
        ("GET", "/_flash/info"),
        ("POST", "/_flash/clock"),
        ("DELETE", "/_flash/limits"),
        ("GET", f"/v2/{endpoint}/job-take/{worker}"),
        ("POST", f"/v2/{endpoint}/job-done/{worker}/{job}"),
        ("GET", f"/v2/{endpoint}/ping/{worker}"),
    ]:
        assert api.request(method, path, headers=key).status_code == 401, (method, path)


def test_a_worker_has_the_key_of_its_endpoint_and_not_the_users(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    other = api.endpoint(name="two")
    raw = {"Authorization": api.pool.orders[-1].api_key}
    done = f"/v2/{endpoint}/job-done/{worker}/{job}?gpu=CPU&isStream=false"
    assert api.post(done, content="{}", headers=raw).status_code == 200
    for path in ("/v2/serverless", f"/v2/{other}/health", "/_flash/secrets"):
        assert api.get(path, headers=raw).status_code == 401, path


def test_a_deleted_key_opens_nothing(api: Api) -> None:
    key = key_for(api, account="read")
    listed = {"name": "restricted", "endpoints": [], "environments": [], "account": "read"}
    assert api.get("/_flash/keys").json() == {"keys": [listed]}
    assert api.request("DELETE", "/_flash/keys/restricted").status_code == 200
    assert api.get("/v2/serverless", headers=key).status_code == 401
    assert api.request("DELETE", "/_flash/keys/restricted").json() == {"error": "there is no key restricted"}


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 400, "a key needs a name"),
        ({"name": "a", "account": "all"}, 400, "`account` must be one of none, read, write"),
        ({"name": "a", "endpoints": "x"}, 400, "`endpoints` must be a list of ids"),
        ({"name": "taken"}, 409, "there is a key taken already"),
    ],
    ids=["no name", "no such access", "no list", "taken"],
)
def test_what_can_not_be_made_says_why(body: dict[str, Any], status: int, error: str, api: Api) -> None:
    api.post("/_flash/keys", json={"name": "taken"})
    answer = api.post("/_flash/keys", json=body)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_key_behind_a_secret_is_told_to_workers_only_and_widened(api: Api) -> None:
    first, one = in_environment(api, "shop")
    second, two = in_environment(api, "bank")
    body = {"name": "runtime", "secret": "runtime", "account": "read"}
    made = api.post("/_flash/keys", json={**body, "environments": [first]})
    assert (made.status_code, made.json()) == (201, {"name": "runtime", "secret": "runtime", "new": True})
    endpoint = api.endpoint(name="caller", env={"RUNPOD_API_KEY": "{{ RUNPOD_SECRET_runtime }}"})
    api.run(endpoint)
    api.worker()
    key = headers(api.pool.orders[-1].document["env"]["RUNPOD_API_KEY"])
    assert [api.get(f"/v2/{each}/health", headers=key).status_code for each in (one, two)] == [200, 401]
    again = api.post("/_flash/keys", json={**body, "environments": [second]})
    assert again.json() == {"name": "runtime", "secret": "runtime", "new": False}
    assert [api.get(f"/v2/{each}/health", headers=key).status_code for each in (one, two)] == [200, 200]


def test_a_secret_that_the_user_has_set_is_not_replaced(api: Api) -> None:
    api.request("PUT", "/_flash/secrets/runtime", json={"value": "mine"})
    answer = api.post("/_flash/keys", json={"name": "runtime", "secret": "runtime", "environments": ["e"]})
    assert answer.json()["new"] is False
    assert api.get("/_flash/keys").json() == {"keys": []}


def test_a_secret_that_was_deleted_is_made_again_with_the_same_scope(api: Api) -> None:
    body = {"name": "runtime", "secret": "runtime", "account": "read"}
    api.post("/_flash/keys", json={**body, "environments": ["e1"]})
    api.request("DELETE", "/_flash/secrets/runtime")
    assert api.post("/_flash/keys", json={**body, "environments": ["e2"]}).json()["new"] is True
    assert api.get("/_flash/keys").json()["keys"][0]["environments"] == ["e1", "e2"]
