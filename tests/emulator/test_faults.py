"""What each fault shows to the public: health, workers, logs, status, answers. And the rules of setting one."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from asking import CPU, error
from emulated import CPU_ENDPOINT, KEY, Api, wait_for

import flash_jupyter
from flash_jupyter.emulator.fault_rules import BadFault, check, kinds
from flash_jupyter.emulator.faults import Faults


def fault(api: Api, kind: str, **parameters: Any) -> dict[str, Any]:
    answer = api.post("/_flash/faults", json={"kind": kind, **parameters})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def health(api: Api, endpoint: str) -> dict[str, int]:
    """The workers that `/health` counts; those of which there are some."""
    workers = api.get(f"/v2/{endpoint}/health").json()["workers"]
    return {state: number for state, number in workers.items() if number}


def statuses(api: Api, endpoint: str) -> list[str]:
    return [worker["status"] for worker in api.get(f"/v2/serverless/{endpoint}/workers").json()["workers"]]


def log(api: Api, endpoint: str) -> list[str]:
    """The log of the endpoint's first worker; the server's own lines begin with `system: `."""

    def lines() -> list[str]:
        owner_and_log = next(pair for pair in api.emulator.world.logs.values() if pair[0] == endpoint)
        found = owner_and_log[1].lines(0, 1000)
        return [f"{line.source}: {line.text}" for line in found]

    return api.call(lines)


def waiting(api: Api, **endpoint: Any) -> tuple[str, str]:
    """An endpoint with a queued job, looked at once; returns both ids."""
    made = api.endpoint(**endpoint)
    job = api.run(made)
    api.tick()
    return made, job


def plain(text: str, worker: str) -> str:
    return text.replace(worker, "W")


# --- workers ----------------------------------------------------------------------------------------------------


def test_throttled_workers_are_counted_and_say_why(api: Api) -> None:
    fault(api, "throttled")
    endpoint, job = waiting(api)
    assert health(api, endpoint) == {"throttled": 1}
    assert statuses(api, endpoint) == ["THROTTLED"]
    assert api.status(endpoint, job) == {"id": job, "status": "IN_QUEUE"}
    (worker,) = api.get(f"/v2/serverless/{endpoint}/workers").json()["workers"]
    assert plain(log(api, endpoint)[0], worker["id"]) == (
        "system: worker W is throttled: no machine is free; it starts when one is"
    )
    assert api.pool.orders == []


def test_a_throttled_worker_starts_when_the_fault_is_cleared(api: Api) -> None:
    fault(api, "throttled")
    endpoint, job = waiting(api)
    assert api.request("DELETE", "/_flash/faults").json() == {"removed": 1}
    worker = api.worker()
    assert statuses(api, endpoint) == ["INITIALIZING"]
    assert api.take(endpoint, worker).json()["id"] == job


def test_a_throttled_worker_starts_after_its_seconds(api: Api) -> None:
    fault(api, "throttled", seconds=30)
    endpoint, _ = waiting(api)
    api.clock.now += 29
    api.tick()
    assert "INITIALIZING" not in statuses(api, endpoint)
    api.clock.now += 2
    api.tick()
    assert statuses(api, endpoint)[0] == "INITIALIZING"


def test_sold_out_hardware_throttles_only_who_has_no_other(api: Api) -> None:
    fault(api, "no-stock", hardware=["AMPERE_80"])

    def make(*pools: str) -> str:
        body = {name: value for name, value in CPU_ENDPOINT.items() if name != "cpu"}
        answer = api.post("/v2/serverless", json={**body, "gpu": {"pools": list(pools)}})
        assert answer.status_code == 201, answer.text
        made = str(answer.json()["id"])
        api.run(made)
        api.tick()
        return made

    alone, fallback = make("AMPERE_80"), make("AMPERE_80", "ADA_24")
    assert health(api, alone) == {"throttled": 1}
    assert log(api, alone)[0].endswith("is throttled: AMPERE_80 is sold out; it starts when one is")
    assert health(api, fallback) == {"initializing": 1}


def test_without_workers_none_is_listed(api: Api) -> None:
    fault(api, "no-workers")
    endpoint, job = waiting(api)
    assert (health(api, endpoint), statuses(api, endpoint)) == ({}, [])
    assert api.status(endpoint, job)["status"] == "IN_QUEUE"
    api.request("DELETE", "/_flash/faults")
    api.worker()
    assert health(api, endpoint) == {"initializing": 1}


def test_a_slow_pull_tells_its_progress(api: Api) -> None:
    fault(api, "slow-pull", seconds=100)
    endpoint, job = waiting(api)
    for _ in range(2):
        api.clock.now += 40
        api.tick()
    assert health(api, endpoint)["initializing"] >= 1
    assert log(api, endpoint) == [
        f"system: pulling image runpod/flash-cpu:latest: {percent} %" for percent in (0, 40, 80)
    ]
    api.clock.now += 21
    api.tick()
    assert log(api, endpoint)[3] == "system: image runpod/flash-cpu:latest is pulled"
    worker = api.pool.orders[0].worker_id
    assert api.take(endpoint, worker).json()["id"] == job


def test_unhealthy_workers_are_counted_and_take_no_job(api: Api) -> None:
    fault(api, "unhealthy")
    endpoint, job = waiting(api)
    for _ in range(3):
        api.tick()
    assert statuses(api, endpoint) == ["UNHEALTHY"]
    assert health(api, endpoint) == {"unhealthy": 1}
    assert log(api, endpoint)[0].endswith("is unhealthy: gpu_test: the machine failed its check")
    assert api.status(endpoint, job)["status"] == "IN_QUEUE"


def test_a_crash_loop_shows_every_crash_and_keeps_the_job_queued(api: Api) -> None:
    fault(api, "crash-loop", times=1)
    endpoint, job = waiting(api)
    assert statuses(api, endpoint) == ["INITIALIZING"]
    api.call(lambda: api.pool.processes[-1].end("exit code 1"))
    assert (statuses(api, endpoint), health(api, endpoint)) == (["UNHEALTHY"], {"unhealthy": 1})
    api.clock.now += 5.1
    api.tick()
    assert statuses(api, endpoint)[0] == "INITIALIZING"
    assert api.status(endpoint, job)["status"] == "IN_QUEUE"
    worker = api.pool.orders[0].worker_id
    assert [plain(line, worker) for line in log(api, endpoint)] == [
        "system: worker W starts",
        "system: worker W ended: exit code 1",
        "system: worker W is unhealthy: it is started again in 5 s",
        "system: worker W starts",
    ]
    assert "crash-loop" in api.pool.orders[0].document["args"]


def test_a_crash_loop_ends_when_the_fault_is_cleared(api: Api) -> None:
    fault(api, "crash-loop")
    endpoint, job = waiting(api)
    api.call(lambda: api.pool.processes[-1].end("exit code 1"))
    api.request("DELETE", "/_flash/faults?kind=crash-loop")
    worker = api.worker()
    assert api.pool.orders[-1].document["args"] == ""
    assert api.take(endpoint, worker).json()["id"] == job


def test_an_idle_worker_takes_nothing_though_jobs_wait(api: Api) -> None:
    endpoint = api.endpoint()
    first = api.run(endpoint)
    worker = api.worker()
    fault(api, "idle-worker")
    assert api.take(endpoint, worker).status_code == 204
    assert health(api, endpoint) == {"idle": 1, "ready": 1}
    assert api.get(f"/v2/{endpoint}/health").json()["jobs"]["inQueue"] == 1
    poll = api.begin("GET", f"/v2/{endpoint}/job-take/{worker}?gpu=CPU&job_in_progress=0")
    api.run(endpoint)
    api.request("DELETE", "/_flash/faults")
    assert poll.result(60).status_code in (200, 204)
    assert api.status(endpoint, first)["status"] in ("IN_PROGRESS", "IN_QUEUE")


# --- jobs -------------------------------------------------------------------------------------------------------


def test_a_worker_is_lost_in_the_middle_of_a_job(api: Api) -> None:
    fault(api, "lost-worker", times=1)
    endpoint, worker, job = api.running_job()
    api.clock.now += 0.6
    api.tick()
    status = api.status(endpoint, job)
    assert (status["status"], status["error"]) == ("FAILED", f"worker lost: {worker}: killed by signal 9")
    api.post(f"/v2/{endpoint}/retry/{job}")
    second = api.worker()
    assert api.take(endpoint, second).json()["id"] == job
    api.clock.now += 0.6
    api.tick()
    assert api.status(endpoint, job)["status"] == "IN_PROGRESS"


def test_without_seconds_a_worker_is_lost_before_the_shortest_job_is_done(api: Api) -> None:
    fault(api, "lost-worker", seconds=0)
    endpoint, _, job = api.running_job()
    wait_for(lambda: api.status(endpoint, job)["status"] == "FAILED")
    assert health(api, endpoint).get("running") is None


def test_a_worker_that_a_fault_makes_unhealthy_is_no_failed_start(api: Api) -> None:
    fault(api, "unhealthy")
    endpoint, job = waiting(api)
    for number in range(4):
        api.request("PATCH", f"/v2/serverless/{endpoint}", json={"image": f"new:{number}"})  # replaces the worker
        api.tick()
    assert api.status(endpoint, job)["status"] == "IN_QUEUE"


def test_an_expired_result_is_404_at_once(api: Api) -> None:
    fault(api, "expired-result")
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1})
    answer = api.get(f"/v2/{endpoint}/status/{job}")
    assert (answer.status_code, answer.json()) == (404, {"error": f"job {job} not found"})
    assert api.get(f"/v2/{endpoint}/health").json()["jobs"]["completed"] == 1


# --- requests ---------------------------------------------------------------------------------------------------


def test_a_late_answer_is_the_same_answer(api: Api) -> None:
    endpoint = api.endpoint()
    fault(api, "latency", seconds=0.3, route="health")
    began = time.monotonic()
    assert api.get(f"/v2/{endpoint}/health").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_429_on_the_control_plane_has_the_quotas_headers(api: Api) -> None:
    fault(api, "429", route="list", seconds=12, times=1)
    answer = api.get("/v2/serverless")
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "12"
    assert answer.headers["ratelimit"].startswith('"minute";r=0;t=12, "hour";r=')
    assert answer.headers["ratelimit-policy"].startswith('"minute";q=10000;w=60, "hour";q=')
    assert answer.json() == {
        "title": "Too Many Requests",
        "status": 429,
        "detail": "rate limit exceeded for the minute window",
    }
    assert api.get("/v2/serverless").status_code == 200


def test_429_on_the_data_plane(api: Api) -> None:
    endpoint = api.endpoint()
    fault(api, "429", route="run")
    answer = api.post(f"/v2/{endpoint}/run", json={"input": {}})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json() == {"error": "too many requests"}
    assert api.get(f"/v2/{endpoint}/health").json()["jobs"]["inQueue"] == 0


@pytest.mark.parametrize(("kind", "made"), [("500", 0), ("500-done", 1)], ids=["nothing was done", "it was done"])
def test_500_of_a_create(api: Api, kind: str, made: int) -> None:
    fault(api, kind, route="create", times=1)
    answer = api.post("/v2/serverless", json=CPU_ENDPOINT)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json() == {"title": "Internal Server Error", "status": 500, "detail": "internal server error"}
    assert len(api.get("/v2/serverless").json()["endpoints"]) == made


def test_500_of_every_second_status(api: Api) -> None:
    endpoint = api.endpoint()
    job = api.run(endpoint)
    fault(api, "500", route="status", every=2)
    codes = [api.get(f"/v2/{endpoint}/status/{job}").status_code for _ in range(4)]
    assert codes == [200, 500, 200, 500]
    assert api.get(f"/v2/{endpoint}/status/{job}").json() == {"id": job, "status": "IN_QUEUE"}


@pytest.mark.parametrize("kind", ["500-done", "dropped"])
def test_what_is_refused_was_not_carried_out_and_is_answered_so(api: Api, kind: str) -> None:
    fault(api, kind, route="create", times=1)
    assert api.post("/v2/serverless", json={}).status_code == 422


def test_a_dropped_request_was_carried_out(api: Api) -> None:
    endpoint = api.endpoint()
    fault(api, "dropped", route="run", times=1)
    with pytest.raises(ConnectionResetError):
        api.post(f"/v2/{endpoint}/run", json={"input": {}})
    assert api.get(f"/v2/{endpoint}/health").json()["jobs"]["inQueue"] == 1


def test_workers_own_requests_are_never_hit(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    fault(api, "500")
    assert api.done(endpoint, worker, job, {"output": 1}).status_code == 200
    assert api.get(f"/v2/{endpoint}/status/{job}").status_code == 500
    assert api.get("/_flash/faults").status_code == 200


def test_a_fault_wants_the_key_like_all_others(api: Api) -> None:
    fault(api, "500")
    answer = api.request("GET", "/v2/serverless", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    assert api.request("POST", "/_flash/faults", headers={}, json={"kind": "500"}).status_code == 401
    assert api.request("GET", "/v2/serverless", headers={"Authorization": KEY}).status_code == 500


# --- creation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "title", "detail"),
    [
        (
            "quota",
            400,
            "Bad Request",
            "workers.max of all endpoints together would exceed the account's worker quota",
        ),
        ("out-of-money", 402, "Payment Required", "the account balance is too low to create an endpoint"),
    ],
)
def test_a_create_is_refused(api: Api, kind: str, status: int, title: str, detail: str) -> None:
    named = api.post("/v2/serverless", json={**CPU_ENDPOINT, "name": f"a--fault-{kind}"})
    fault(api, kind, times=1)
    answer = api.post("/v2/serverless", json=CPU_ENDPOINT)
    assert answer.json() == named.json() == {"title": title, "status": status, "detail": detail}
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert api.post("/v2/serverless", json=CPU_ENDPOINT).status_code == 201


# --- by name ----------------------------------------------------------------------------------------------------


def test_a_fault_in_a_name_hits_that_endpoint_only(api: Api) -> None:
    named, _ = waiting(api, name="demo--fault-throttled")
    other, _ = waiting(api, name="other")
    assert (health(api, named), health(api, other)) == ({"throttled": 1}, {"initializing": 1})
    (shown,) = api.get("/_flash/faults").json()["faults"]
    assert (shown["kind"], shown["endpoint"], shown["by_name"]) == ("throttled", named, True)


def test_a_fault_goes_with_the_name(api: Api) -> None:
    endpoint, _ = waiting(api, name="demo--fault-throttled")
    api.request("PATCH", f"/v2/serverless/{endpoint}", json={"name": "demo"})
    api.tick()
    assert statuses(api, endpoint)[0] == "INITIALIZING"
    assert api.get("/_flash/faults").json() == {"faults": []}
    assert api.emulator.world.faults.active is False


def test_a_name_with_an_unknown_fault_is_refused(api: Api) -> None:
    answer = api.post("/v2/serverless", json={**CPU_ENDPOINT, "name": "a--fault-trottled"})
    assert (answer.status_code, answer.json()["detail"]) == (400, "no fault 'trottled'; did you mean 'throttled'?")
    endpoint = api.endpoint()
    answer = api.request("PATCH", f"/v2/serverless/{endpoint}", json={"name": "a--fault-trottled"})
    assert (answer.status_code, answer.json()["detail"]) == (400, "no fault 'trottled'; did you mean 'throttled'?")


def test_faults_in_a_name_hit_requests_too(api: Api) -> None:
    endpoint = api.endpoint(name="demo--fault-429-7s-x1")
    answer = api.get(f"/v2/{endpoint}/health")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert api.get(f"/v2/{endpoint}/health").status_code == 200
    api.request("DELETE", f"/v2/serverless/{endpoint}")
    assert api.get("/_flash/faults").json() == {"faults": []}


# --- the rules of setting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({}, f"no fault None; there are {', '.join(kinds())}"),
        ({"kind": "crashloop"}, "no fault 'crashloop'; did you mean 'crash-loop'?"),
        ({"kind": "quota", "route": "run"}, "quota takes endpoint, times, every, not route"),
        ({"kind": "500", "times": 0}, "times: 0 is not a whole number from 1 on"),
        ({"kind": "latency", "seconds": "2"}, "seconds: '2' is not a number of seconds"),
        ({"kind": "no-stock", "hardware": "ADA_24"}, "hardware: 'ADA_24' is not a list of pool or flavour ids"),
    ],
)
def test_what_can_not_be_set_says_why(api: Api, wanted: dict[str, Any], text: str) -> None:
    with pytest.raises(BadFault, match=re.escape(text)):
        check(wanted)
    answer = api.post("/_flash/faults", json=wanted)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


def test_what_is_set_is_shown_with_its_hits(api: Api) -> None:
    endpoint = api.endpoint()
    made = fault(api, "500", endpoint="one", route="health", every=2)
    api.get(f"/v2/{endpoint}/health")
    api.get(f"/v2/{endpoint}/health")
    (shown,) = api.get("/_flash/faults").json()["faults"]
    assert shown == {**made, "seen": 2, "hits": 1}
    assert made == {
        "id": 1,
        "kind": "500",
        "endpoint": "one",
        "route": "health",
        "hardware": [],
        "seconds": None,
        "times": None,
        "every": 2,
        "seen": 0,
        "hits": 0,
        "by_name": False,
    }


@pytest.mark.parametrize("pattern", ["demo", "ep1", "d*", "*"])
def test_an_endpoint_is_meant_by_name_by_id_or_by_pattern(pattern: str) -> None:
    faults = Faults()
    faults.know("ep1", "demo")
    faults.know("ep2", "other")
    faults.set({"kind": "500", "endpoint": pattern})
    assert len(faults.of_request("GET", "/v2/ep1/health")) == 1
    assert len(faults.of_request("GET", "/v2/ep2/health")) == (pattern == "*")


def test_cleared_faults_do_nothing_any_more() -> None:
    faults = Faults()
    kept, gone = faults.set({"kind": "429"}), faults.set({"kind": "500"})
    assert faults.clear("500") == 1
    assert (faults.all(), kept.cleared, gone.cleared, faults.active) == ([kept], False, True, True)
    assert faults.clear() == 1
    assert faults.active is False


def test_the_list_is_complete() -> None:
    rows = json.loads((Path(flash_jupyter.__file__).parent / "emulator" / "faults.json").read_text())
    for name, row in rows["kinds"].items():
        assert set(row) == {"at", "takes", "seconds", "seconds_mean", "what", "shows"}, name
        assert ("seconds" in row["takes"]) == bool(row["seconds_mean"]), name
        assert row["at"] in {"workers", "jobs", "requests", "uploads", "creation"}, name


def test_a_create_over_graphql_is_refused_with_the_same_words(api: Api) -> None:
    fault(api, "out-of-money")
    assert error(api, "saveEndpoint", input=CPU) == "the account balance is too low to create an endpoint"
    assert api.emulator.world.endpoints == {}


def test_stock_is_gone_for_all_or_for_one_endpoint() -> None:
    faults = Faults()
    faults.know("ep1", "demo--fault-no-stock")
    assert faults.of_new_worker("ep1", ["ADA_24"]) is not None
    assert faults.is_sold_out("ADA_24") is False  # the catalogue is everybody's
    faults.set({"kind": "no-stock", "hardware": ["ADA_24"]})
    faults.set({"kind": "no-stock", "hardware": ["AMPERE_80"]})
    assert (faults.is_sold_out("ADA_24"), faults.is_sold_out("cpu3c")) == (True, False)
    assert faults.of_new_worker("ep2", ["ADA_24", "AMPERE_80"]) is not None
    assert faults.of_new_worker("ep2", ["ADA_24", "HOPPER_141"]) is None
