"""A deployed endpoint is called by app, environment and name, over the pseudo endpoint `flash`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asking import CPU, ask, save
from emulated import KEY, Api
from user_server import ThreadedServer

from flash_jupyter.emulator.apps import FLASH_ID
from flash_jupyter.emulator.tables import new_id


def deployed(api: Api, name: str = "ocr", app: str = "shop", environment: str = "production") -> str:
    """Make an app with an environment and an endpoint in it; returns the endpoint's id."""
    app_id = ask(api, "createFlashApp", input={"name": app})["id"]
    made = ask(api, "createFlashEnvironment", input={"flashAppId": app_id, "name": environment})["id"]
    return str(save(api, **{**CPU, "name": name}, flashEnvironmentId=made)["id"])


def headers(**changes: str) -> dict[str, str]:
    """The headers that runpod-flash 1.21.0 sends (recordings/named-endpoints-1.21.0.jsonl)."""
    named = {"app": "shop", "environment": "production", "endpoint": "ocr"} | changes
    return {"authorization": f"Bearer {KEY}", **{f"x-flash-{name}": value for name, value in named.items() if value}}


def call(api: Api, operation: str = "runsync", **changes: str) -> Any:
    path = f"/v2/flash/{operation}"
    return api.begin("POST", path, json={"input": {"a": 1, "b": 2}}, headers=headers(**changes))


def test_runsync_runs_on_the_named_endpoint(api: Api) -> None:
    endpoint = deployed(api)
    answer = call(api)
    api.get(f"/v2/{endpoint}/health")
    worker = api.worker()
    order = api.take(endpoint, worker).json()
    assert order["input"] == {"a": 1, "b": 2}
    api.done(endpoint, worker, order["id"], {"output": 3})
    document = answer.result(60).json()
    assert (document["status"], document["output"]) == ("COMPLETED", 3)
    assert document["id"].startswith("sync-")


def test_run_and_status(api: Api) -> None:
    endpoint = deployed(api)
    job = call(api, "run").result(60).json()["id"]
    assert api.status(endpoint, job)["status"] == "IN_QUEUE"
    assert api.get(f"/v2/flash/status/{job}", headers=headers()).json() == {"id": job, "status": "IN_QUEUE"}
    assert api.status("flash", job)["status"] == "IN_QUEUE"  # without the headers, as pollers do
    assert api.post(f"/v2/flash/cancel/{job}").json()["status"] == "CANCELLED"
    assert api.get("/v2/flash/health", headers=headers()).json()["jobs"]["inQueue"] == 0


@pytest.mark.parametrize("name", ["live-ocr", "ocr-fb", "live-ocr-fb"])
def test_what_released_clients_add_to_a_name_does_not_count(api: Api, name: str) -> None:
    deployed(api, name)
    assert call(api, "run").result(60).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"app": "other"}, 404, "endpoint other/production/ocr not found"),
        ({"environment": "staging"}, 404, "endpoint shop/staging/ocr not found"),
        ({"endpoint": "nope"}, 404, "endpoint shop/production/nope not found"),
        ({"environment": ""}, 400, "a request to 'flash' needs the header X-Flash-Environment"),
    ],
    ids=["no such app", "no such environment", "no such endpoint", "a header is missing"],
)
def test_what_is_not_deployed_is_not_found(api: Api, changes: dict[str, str], status: int, error: str) -> None:
    deployed(api)
    answer = call(api, **changes).result(60)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_an_endpoint_of_the_same_name_in_another_environment_is_not_meant(api: Api) -> None:
    endpoint = deployed(api)
    app = ask(api, "getFlashAppByName", flashAppName="shop")["id"]
    staging = ask(api, "createFlashEnvironment", input={"flashAppId": app, "name": "staging"})["id"]
    other = str(save(api, **{**CPU, "name": "ocr"}, flashEnvironmentId=staging)["id"])
    job = call(api, "run", environment="staging").result(60).json()["id"]
    assert api.status(other, job)["status"] == "IN_QUEUE"
    assert api.get(f"/v2/{endpoint}/status/{job}").status_code == 404


def test_a_job_that_nobody_knows_is_not_found(api: Api) -> None:
    answer = api.get("/v2/flash/status/nope-u1")
    assert (answer.status_code, answer.json()) == (404, {"error": "job nope-u1 not found"})


def test_no_generated_id_can_be_a_word_that_stands_where_ids_do(api: Api) -> None:
    paths = [getattr(route, "path", "").split("/") for route in api.app.routes]
    reserved = {words[2] for words in paths if words[1] == "v2" and "{" not in words[2]}
    assert {"serverless", "templates", "catalog"} <= reserved
    assert len(new_id()) not in {len(word) for word in {*reserved, FLASH_ID} if word.isalnum()}


@pytest.fixture
def worker() -> Iterator[ThreadedServer]:
    worker = ThreadedServer()
    yield worker
    worker.stop()


def test_a_load_balancer_is_called_by_its_names_too(api: Api, worker: ThreadedServer) -> None:
    api.pool.ports.append(worker.port)
    app = ask(api, "createFlashApp", input={"name": "shop"})["id"]
    environment = ask(api, "createFlashEnvironment", input={"flashAppId": app, "name": "production"})["id"]
    balancer = {"name": "ocr", "type": "LB", "scalerType": "REQUEST_COUNT", "flashEnvironmentId": environment}
    save(api, **{**CPU, **balancer})
    answer = api.post("/lb/flash/add", json={"x": 1, "y": 2}, headers=headers())
    assert (answer.status_code, answer.json()) == (201, {"result": 3})
    missing = api.get("/lb/flash/items/1", headers=headers(endpoint="nope"))
    assert (missing.status_code, missing.json()) == (404, {"error": "endpoint shop/production/nope not found"})
    unnamed = api.get("/lb/flash/items/1", headers=headers(app=""))
    assert (unnamed.status_code, unnamed.json()) == (
        400,
        {"error": "a request to 'flash' needs the header X-Flash-App"},
    )
