from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from emulated import CPU_ENDPOINT, Api

GPU = {"gpu": {"pools": ["AMPERE_48"]}}


def body(**changes: Any) -> dict[str, Any]:
    """A create's body; a value of None takes the field away."""
    merged = {**CPU_ENDPOINT, **changes}
    return {name: value for name, value in merged.items() if value is not None}


CREATED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("workers get the document's defaults", {"workers": None}, {"workers": {"min": 0, "max": 3, "idleTimeout": 10}}),
    ("the timeout's default is 300 s", {}, {"timeout": 300_000}),
    ("flashboot is off", {}, {"flashboot": "OFF"}),
    (
        "a GPU selection is completed",
        {"cpu": None, **GPU},
        {"gpu": {"pools": ["AMPERE_48"], "count": 1, "allowedCudaVersions": [], "minCudaVersion": None}},
    ),
    (
        "excluded types are trimmed",
        {"cpu": None, "gpu": {"pools": ["AMPERE_48"], "excludedTypes": [" NVIDIA A40"]}},
        {
            "gpu": {
                "pools": ["AMPERE_48"],
                "excludedTypes": ["NVIDIA A40"],
                "count": 1,
                "allowedCudaVersions": [],
                "minCudaVersion": None,
            }
        },
    ),
    (
        "memory comes from the catalogue",
        {"cpu": [{"id": "cpu3g", "vcpuCount": 8}]},
        {"cpu": [{"id": "cpu3g", "vcpuCount": 8, "memory": 32}]},
    ),
    (
        "a request count has no idle timeout",
        {"scaling": {"type": "REQUEST_COUNT", "requestCount": 4}, "workers": {"max": 2}},
        {"workers": {"min": 0, "max": 2}},
    ),
    (
        "an empty set of CUDA versions may stand beside a floor",
        {"cpu": None, "gpu": {**GPU["gpu"], "allowedCudaVersions": [], "minCudaVersion": "12.8"}},
        {},
    ),
]


@pytest.mark.parametrize(("changes", "shown"), [case[1:] for case in CREATED], ids=[case[0] for case in CREATED])
def test_create(api: Api, changes: dict[str, Any], shown: dict[str, Any]) -> None:
    answer = api.post("/v2/serverless", json=body(**changes))
    assert answer.status_code == 201, answer.text
    assert {name: answer.json()[name] for name in shown} == shown
    assert api.get(f"/v2/serverless/{answer.json()['id']}").json() == answer.json()


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("neither gpu nor cpu", {"cpu": None}, 400, "give exactly one of gpu and cpu"),
    ("gpu and cpu", GPU, 400, "give exactly one of gpu and cpu"),
    ("a pool that does not exist", {"cpu": None, "gpu": {"pools": ["ADA_25"]}}, 400, "unknown GPU pool 'ADA_25'"),
    (
        "an exclusion of another pool",
        {"cpu": None, "gpu": {"pools": ["ADA_24"], "excludedTypes": ["NVIDIA A40"]}},
        400,
        "'NVIDIA A40' is not a GPU type of the selected pools",
    ),
    (
        "everything excluded",
        {"cpu": None, "gpu": {"pools": ["ADA_24"], "excludedTypes": ["NVIDIA GeForce RTX 4090"]}},
        400,
        "excludedTypes leaves no GPU type",
    ),
    (
        "two CUDA constraints",
        {"cpu": None, "gpu": {**GPU["gpu"], "allowedCudaVersions": ["12.8"], "minCudaVersion": "12.8"}},
        400,
        "exclude each other",
    ),
    ("a CPU size that does not exist", {"cpu": [{"id": "cpu3c", "vcpuCount": 3}]}, 400, "no CPU 'cpu3c' with 3 vCPUs"),
    ("more least than most workers", {"workers": {"min": 4, "max": 3}}, 400, "workers.min 4 is above workers.max 3"),
    (
        "an idle timeout beside a request count",
        {"scaling": {"type": "REQUEST_COUNT", "requestCount": 1}},
        400,
        "workers.idleTimeout does not apply",
    ),
    ("a template", {"templateId": "x"}, 404, "template not found"),
    ("no name", {"name": None}, 422, "$: missing property 'name'"),
    ("an empty name", {"name": ""}, 422, "$.name: must not be empty"),
    ("no image", {"image": None}, 422, "$: missing property 'image'"),
    ("an unknown field", {"bogus": 1}, 422, "$: additional properties 'bogus' not allowed"),
    ("an unknown field inside", {"workers": {"mx": 1}}, 422, "$.workers: additional properties 'mx' not allowed"),
    ("a text for a number", {"workers": {"max": "3"}}, 422, "$.workers.max: must be integer"),
    ("a bool for a number", {"workers": {"max": True}}, 422, "$.workers.max: must be integer"),
    (
        "an idle timeout too long",
        {"workers": {"idleTimeout": 3601}},
        422,
        "$.workers.idleTimeout: 3601 is more than 3600",
    ),
    ("a queue delay too short", {"scaling": {"type": "QUEUE_DELAY", "queueDelay": 0.4}}, 422, "0.4 is less than 0.5"),
    ("an unknown scaler", {"scaling": {"type": "X"}}, 422, "$.scaling.type: must be one of QUEUE_DELAY, REQUEST_COUNT"),
    ("an unknown type", {"type": "POD"}, 422, "$.type: must be one of QUEUE, LOAD_BALANCER"),
    (
        "a load balancer with a queue delay",
        {"type": "LOAD_BALANCER"},
        422,
        "$.scaling: must be REQUEST_COUNT for a LOAD_BALANCER endpoint",
    ),
    ("the same CPU twice", {"cpu": CPU_ENDPOINT["cpu"] * 2}, 422, "$.cpu: items must be unique"),
    ("a CUDA version of words", {"cpu": None, "gpu": {**GPU["gpu"], "minCudaVersion": "new"}}, 422, "does not match"),
    ("CUDA constraints on a CPU", {"minCudaVersion": "12.8"}, 422, "additional properties 'minCudaVersion'"),
    ("env with a number", {"env": {"A": 1}}, 422, "$.env.A: must be string"),
]


@pytest.mark.parametrize(
    ("changes", "status", "text"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_create_refuses(api: Api, changes: dict[str, Any], status: int, text: str) -> None:
    answer = api.post("/v2/serverless", json=body(**changes))
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert text in " ".join([problem["detail"], *problem.get("errors", [])])
    assert api.get("/v2/serverless").json() == {"endpoints": []}


@pytest.mark.parametrize("content", ["", "{", "\xff"])
def test_a_body_that_is_not_json_is_400(api: Api, content: str) -> None:
    answer = api.post("/v2/serverless", content=content.encode("latin-1"))
    assert (answer.status_code, answer.json()["detail"]) == (400, "the body is not JSON")


def test_a_null_is_not_an_absent_field(api: Api) -> None:
    answer = api.post("/v2/serverless", json={**CPU_ENDPOINT, "gpu": None})
    assert answer.json()["errors"] == ["$.gpu: must be object"]


PATCHED: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("a part of the workers", {}, {"workers": {"max": 7}}, {"workers": {"min": 0, "max": 7, "idleTimeout": 60}}),
    ("the name", {}, {"name": "new"}, {"name": "new"}),
    ("the whole environment", {"env": {"A": "1"}}, {"env": {"B": "2"}}, {"env": {"B": "2"}}),
    (
        "the scaler; the idle timeout goes with it",
        {},
        {"scaling": {"type": "REQUEST_COUNT", "requestCount": 2}},
        {"workers": {"min": 0, "max": 3}, "scaling": {"type": "REQUEST_COUNT", "requestCount": 2}},
    ),
    (
        "pools without exclusions clear those",
        {"cpu": None, "gpu": {"pools": ["AMPERE_48"], "excludedTypes": ["NVIDIA A40"]}},
        {"gpu": {"pools": ["AMPERE_48"]}},
        {"gpu": {"pools": ["AMPERE_48"], "count": 1, "allowedCudaVersions": [], "minCudaVersion": None}},
    ),
    (
        "a CUDA floor alone keeps the exclusions",
        {"cpu": None, "gpu": {"pools": ["AMPERE_48"], "excludedTypes": ["NVIDIA A40"]}},
        {"gpu": {"minCudaVersion": "12.8"}},
        {
            "gpu": {
                "pools": ["AMPERE_48"],
                "excludedTypes": ["NVIDIA A40"],
                "count": 1,
                "allowedCudaVersions": [],
                "minCudaVersion": "12.8",
            }
        },
    ),
    ("nothing", {}, {}, {}),
]


@pytest.mark.parametrize(("first", "patch", "shown"), [case[1:] for case in PATCHED], ids=[case[0] for case in PATCHED])
def test_patch(api: Api, first: dict[str, Any], patch: dict[str, Any], shown: dict[str, Any]) -> None:
    before = api.post("/v2/serverless", json=body(**first)).json()
    answer = api.request("PATCH", f"/v2/serverless/{before['id']}", json=patch)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {**before, **shown}


PATCH_REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("gpu on a CPU endpoint", GPU, 400, "the compute family of an endpoint can't be changed"),
    ("more least than most workers", {"workers": {"min": 9}}, 400, "workers.min 9 is above workers.max 3"),
    ("the type", {"type": "QUEUE"}, 422, "$: additional properties 'type' not allowed"),
    ("exclusions without pools", {"gpu": {"excludedTypes": ["NVIDIA A40"]}}, 422, "excludedTypes requires pools"),
    ("a scaling of null", {"scaling": None}, 422, "$.scaling: must be object"),
]


@pytest.mark.parametrize(
    ("patch", "status", "text"), [case[1:] for case in PATCH_REFUSED], ids=[case[0] for case in PATCH_REFUSED]
)
def test_patch_refuses(api: Api, patch: dict[str, Any], status: int, text: str) -> None:
    endpoint = api.endpoint()
    answer = api.request("PATCH", f"/v2/serverless/{endpoint}", json=patch)
    assert answer.status_code == status
    assert text in " ".join([answer.json()["detail"], *answer.json().get("errors", [])])


def test_a_release_replaces_idle_workers_now_and_busy_ones_after_their_job(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.request("PATCH", f"/v2/serverless/{endpoint}", json={"env": {"A": "1"}})
    (shown,) = api.get(f"/v2/serverless/{endpoint}/workers").json()["workers"]
    assert (shown["isStale"], shown["version"], shown["status"]) == (True, 1, "RUNNING")
    api.tick()
    assert api.pool.processes[0].is_alive()
    api.done(endpoint, worker, job, {"output": 1})
    api.tick()
    assert not api.pool.processes[0].is_alive()
    assert api.get(f"/v2/serverless/{endpoint}/workers").json()["endpointVersion"] == 2


def test_a_worker_of_an_old_release_gets_no_more_jobs_and_one_of_the_new_starts_beside_it(api: Api) -> None:
    endpoint, old, job = api.running_job(workers={"min": 0, "max": 2})
    api.request("PATCH", f"/v2/serverless/{endpoint}", json={"env": {"A": "2"}})
    queued = api.run(endpoint)
    new = api.worker()
    assert new != old
    assert api.pool.orders[-1].document["env"] == {"A": "2"}
    assert api.take(endpoint, old).status_code == 204
    assert api.take(endpoint, new).json()["id"] == queued
    rollout = {"inProgress": True, "workersOnLatest": 1, "workersTotal": 2, "percentOnLatest": 50}
    assert api.get(f"/v2/serverless/{endpoint}/releases").json()["rollout"] == rollout
    assert api.done(endpoint, old, job, {"output": 1}).status_code == 200
    assert api.status(endpoint, job)["status"] == "COMPLETED"


def test_a_job_that_comes_right_after_a_release_is_not_given_to_an_idle_old_worker(api: Api) -> None:
    endpoint, old, job = api.running_job()
    api.done(endpoint, old, job, {"output": 1})
    polling = api.begin("GET", f"/v2/{endpoint}/job-take/{old}?gpu=CPU&job_in_progress=0")
    api.request("PATCH", f"/v2/serverless/{endpoint}", json={"env": {"A": "2"}})
    queued = api.run(endpoint)
    assert polling.result(20).status_code == 204
    assert api.take(endpoint, api.worker()).json()["id"] == queued


def test_scaling_alone_makes_no_release(api: Api) -> None:
    endpoint = api.endpoint()
    api.request("PATCH", f"/v2/serverless/{endpoint}", json={"workers": {"max": 1}, "timeout": 1000})
    releases = api.get(f"/v2/serverless/{endpoint}/releases").json()
    assert (releases["endpointVersion"], len(releases["releases"])) == (1, 1)
    assert releases["rollout"] == {"inProgress": False, "workersOnLatest": 0, "workersTotal": 0, "percentOnLatest": 0}


def test_a_deleted_endpoint_is_gone_everywhere(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    queued = api.run(endpoint)
    assert api.request("DELETE", f"/v2/serverless/{endpoint}").status_code == 204
    for path in (f"/v2/serverless/{endpoint}", f"/v2/serverless/{endpoint}/workers", f"/v2/{endpoint}/health"):
        assert api.get(path).status_code == 404
    for each in (job, queued):
        assert api.get(f"/v2/{endpoint}/status/{each}").status_code == 404
    assert not api.pool.processes[0].is_alive()
    assert api.call(api.store.jobs) == []
    assert api.call(api.store.workers) == []
    assert not list((api.config.folder / "logs").glob(f"{worker}*"))


def test_an_unknown_route_or_method_is_a_problem(api: Api) -> None:
    assert api.get("/v2/serverless/a/b/c/d").json()["title"] == "Not Found"
    answer = api.request("PUT", "/v2/serverless")
    assert (answer.status_code, answer.json()["title"]) == (405, "Method Not Allowed")
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "POST"}


def test_the_quota_counts_down_and_comes_back(tmp_path: Path) -> None:
    with Api(tmp_path, control_per_hour=2) as api:
        first, second, third = (api.get("/v2/serverless") for _ in range(3))
        assert [answer.status_code for answer in (first, second, third)] == [200, 200, 429]
        assert '"hour";r=1;t=3600' in first.headers["RateLimit"]
        assert '"hour";r=0;t=3600' in second.headers["RateLimit"]
        api.clock.now += 3600
        assert api.get("/v2/serverless").status_code == 200


def test_what_was_counted_is_shown_and_can_be_forgotten(tmp_path: Path) -> None:
    with Api(tmp_path, control_per_hour=2) as api:
        assert [api.get("/v2/serverless").status_code for _ in range(3)] == [200, 200, 429]
        api.clock.now += 600
        minute, hour, _day = api.get("/_flash/limits").json()["limits"]
        assert minute == {"name": "minute", "quota": 10_000, "used": 0, "resets_in_s": 0}
        assert hour == {"name": "hour", "quota": 2, "used": 2, "resets_in_s": 3000}
        forgotten = api.request("DELETE", "/_flash/limits").json()["limits"]
        assert [window["used"] for window in forgotten] == [0, 0, 0]
        assert api.get("/v2/serverless").status_code == 200
