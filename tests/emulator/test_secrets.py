"""Secrets: filled in where a worker starts, and shown nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from emulated import Api, RealServer

REFERENCE = "{{ RUNPOD_SECRET_token }}"
VALUE = "s3cret-value-of-the-token"
TELLS = "import os\ndef f():\n    return [os.environ['TOKEN'], os.environ['HEADER']]"


def put(api: Api, name: str = "token", value: str = VALUE) -> int:
    return api.request("PUT", f"/_flash/secrets/{name}", json={"value": value}).status_code


def test_a_worker_gets_the_value_and_no_route_tells_it(api: Api) -> None:
    assert put(api) == 201
    endpoint = api.endpoint(env={"TOKEN": REFERENCE, "HEADER": "Bearer {{RUNPOD_SECRET_token}}", "PLAIN": "{{ x }}"})
    api.run(endpoint)
    api.worker()
    env = api.pool.orders[-1].document["env"]
    assert env == {"TOKEN": VALUE, "HEADER": f"Bearer {VALUE}", "PLAIN": "{{ x }}"}
    query = {"query": "{ myself { endpoints { id template { env { key value } } } } }"}
    shown = [
        api.get("/_flash/secrets").text,
        api.get(f"/v2/serverless/{endpoint}").text,
        api.get(f"/v2/serverless/{endpoint}/releases").text,
        api.post("/graphql", json=query).text,
        *(path.read_text() for path in (api.config.folder / "logs").iterdir() if path.suffix != ".index"),
    ]
    assert [text for text in shown if VALUE in text] == []
    assert REFERENCE in shown[1]


def test_a_worker_whose_secret_is_missing_does_not_start_and_says_so(api: Api) -> None:
    endpoint = api.endpoint(env={"TOKEN": REFERENCE})
    job = api.run(endpoint)
    for _ in range(10):
        api.tick()
    assert api.pool.orders == []
    assert api.status(endpoint, job)["status"] == "FAILED"
    assert api.status(endpoint, job)["error"].endswith(
        "could not start: TOKEN refers to secret token, which there is not; make it: flash local secrets set token"
    )


def test_a_new_value_is_for_workers_that_start_after_it(api: Api) -> None:
    assert (put(api), put(api, value="newer")) == (201, 200)
    endpoint = api.endpoint(env={"TOKEN": REFERENCE})
    api.run(endpoint)
    api.worker()
    assert api.pool.orders[-1].document["env"] == {"TOKEN": "newer"}


def test_secrets_are_listed_by_name_and_deleted(api: Api) -> None:
    put(api)
    put(api, "other")
    assert [secret["name"] for secret in api.get("/_flash/secrets").json()["secrets"]] == ["token", "other"]
    assert api.request("DELETE", "/_flash/secrets/token").json() == {"deleted": "token"}
    gone = api.request("DELETE", "/_flash/secrets/token")
    assert (gone.status_code, gone.json()) == (404, {"error": "there is no secret token"})


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        ("a%20b", {"value": "x"}, "`a b` is no name of a secret: letters, digits, _ and -, at most 128"),
        ("token", {"value": ""}, "the value of secret token is empty"),
        ("token", {"value": 1}, "`value` must be text"),
        ("token", [], "the body is no JSON object"),
    ],
    ids=["a blank in the name", "no value", "a number", "no object"],
)
def test_what_can_not_be_stored_says_why(name: str, body: object, error: str, api: Api) -> None:
    answer = api.request("PUT", f"/_flash/secrets/{name}", content=json.dumps(body))
    assert (answer.status_code, answer.json()) == (400, {"error": error})


def test_a_real_worker_has_it_in_its_environment_and_it_survives_the_server(
    serve: Callable[..., RealServer], tmp_path: Path
) -> None:
    server = serve()
    assert server.client.put("/_flash/secrets/token", json={"value": VALUE}).status_code == 201
    server.stop()
    server.start()
    endpoint = server.endpoint(env={"TOKEN": REFERENCE, "HEADER": f"Bearer {REFERENCE}"})
    done = server.finished(endpoint, server.run(endpoint, TELLS), within_s=60)
    assert done["status"] == "COMPLETED"
    logs = [path for path in (tmp_path / "local").rglob("*.log") if VALUE in path.read_text(errors="replace")]
    assert logs == []
    assert (tmp_path / "local" / "emulator.sqlite").stat().st_mode & 0o077 == 0
