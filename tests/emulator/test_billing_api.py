from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract import example
from emulated import CPU_ENDPOINT, Api, Clock, RealServer, wait_for
from replayed import same_shape, send

CPU_USD_PER_S = 2 * 0.03 / 3600  # two vCPUs at the catalogue's price an hour
GPU_USD_PER_S = 2 * 0.00031  # two RTX 4090
GPU_ENDPOINT = {**CPU_ENDPOINT, "gpu": {"pools": ["ADA_24", "AMPERE_80"], "count": 2}}
GPU_ENDPOINT.pop("cpu")


def gpu_endpoint(api: Api) -> str:
    return str(api.post("/v2/serverless", json=GPU_ENDPOINT).json()["id"])


def worked(api: Api, endpoint: str, seconds: float) -> None:
    """Let a worker of the endpoint live for so long."""
    job = api.run(endpoint)
    worker = api.worker()
    assert api.take(endpoint, worker).json()["id"] == job
    api.done(endpoint, worker, job, {"output": 1})
    api.clock.now += seconds
    api.call(lambda: api.pool.processes[-1].end("exit code 0"))


def bill(api: Api, query: str = "") -> dict[str, Any]:
    answer = api.get(f"/v2/billing/serverless{query}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def amount(usd: float) -> Any:
    return pytest.approx(usd, abs=1e-9)


def test_seconds_are_rounded_up_and_priced_by_hardware(api: Api) -> None:
    cpu, gpu = api.endpoint(), gpu_endpoint(api)
    worked(api, cpu, 10.2)
    worked(api, cpu, 5.0)
    worked(api, gpu, 7.9)
    by_endpoint = {record["serverlessId"]: record for record in bill(api)["records"]}
    assert by_endpoint[cpu]["cpuAmount"] == by_endpoint[cpu]["totalAmount"] == amount(16 * CPU_USD_PER_S)
    assert by_endpoint[gpu]["gpuAmount"] == by_endpoint[gpu]["totalAmount"] == amount(8 * GPU_USD_PER_S)
    totals = bill(api)["metadata"]["totals"]
    assert totals["totalAmount"] == amount(16 * CPU_USD_PER_S + 8 * GPU_USD_PER_S)
    assert bill(api)["metadata"]["uniqueServerlessCount"] == 2


def test_answers_look_as_documented(api: Api) -> None:
    worked(api, api.endpoint(), 3)
    for name in ("billing-serverless", "billing"):
        request = dict(example(name)["request"])
        request["path"] = request["path"].partition("?")[0]
        answer = send(api, request)
        assert answer.status_code == 200
        assert "RateLimit" in answer.headers
        expected = example(name)["response"]["body"]
        expected["metadata"]["query"].pop("serverlessId", None)
        shown = answer.json()
        shown["metadata"]["query"].pop("serverlessId", None)
        assert len(shown["records"]) == 1
        same_shape(expected, shown)


def test_the_whole_bill_has_the_same_sum(api: Api) -> None:
    worked(api, api.endpoint(), 3)
    worked(api, gpu_endpoint(api), 4)
    (record,) = api.get("/v2/billing").json()["records"]
    assert record["serverlessCpuAmount"] == amount(3 * CPU_USD_PER_S)
    assert record["serverlessGpuAmount"] == amount(4 * GPU_USD_PER_S)
    assert record["totalAmount"] == amount(3 * CPU_USD_PER_S + 4 * GPU_USD_PER_S)


def test_a_worker_that_lives_is_billed_up_to_now(api: Api) -> None:
    endpoint, _, _ = api.running_job()
    for seconds in (4, 3):
        api.clock.now += seconds
        total = bill(api, f"?serverlessId={endpoint}")["metadata"]["totals"]["totalAmount"]
    assert total == amount(7 * CPU_USD_PER_S)


def test_time_is_split_at_the_edges_of_buckets(api: Api) -> None:
    api.clock.now = math.ceil(api.clock.now / 86_400) * 86_400 - 4.0  # four seconds before midnight
    worked(api, api.endpoint(), 9.5)
    for size in ("hour", "day"):
        records = bill(api, f"?bucketSize={size}")["records"]
        assert [record["totalAmount"] for record in records] == [amount(4 * CPU_USD_PER_S), amount(6 * CPU_USD_PER_S)]
        assert records[0]["endTime"] == records[1]["startTime"]
    (month,) = bill(api, "?bucketSize=year")["records"]
    assert month["totalAmount"] == amount(10 * CPU_USD_PER_S)


def test_a_query_cuts_out_its_time_and_endpoint(api: Api) -> None:
    first, second = api.endpoint(), api.endpoint()
    worked(api, first, 5)
    api.clock.now += 2 * 86_400
    worked(api, second, 6)
    assert [record["serverlessId"] for record in bill(api)["records"]] == [first, second]
    assert [record["serverlessId"] for record in bill(api, "?lastN=2")["records"]] == [second]
    filtered = bill(api, f"?serverlessId={first}")
    assert filtered["metadata"]["query"]["serverlessId"] == first
    assert filtered["metadata"]["totals"]["totalAmount"] == amount(5 * CPU_USD_PER_S)
    assert bill(api, "?serverlessId=nothing")["records"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("bucketSize=minute", 422),
        ("lastN=0", 422),
        ("lastN=2&startTime=2026-01-01T00:00:00Z", 400),
        ("endTime=now", 422),
    ],
)
def test_queries_that_are_refused(api: Api, query: str, status: int) -> None:
    for path in ("/v2/billing", "/v2/billing/serverless"):
        answer = api.get(f"{path}?{query}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_a_changed_price_does_not_reach_back(api: Api) -> None:
    endpoint = gpu_endpoint(api)
    worked(api, endpoint, 10)
    api.request("PATCH", f"/v2/serverless/{endpoint}", json={"gpu": {"pools": ["AMPERE_80"]}})
    worked(api, endpoint, 10)
    assert bill(api)["metadata"]["totals"]["totalAmount"] == amount(10 * 2 * (0.00031 + 0.00076))


def test_bills_survive_the_endpoint_and_the_server(tmp_path: Path) -> None:
    clock = Clock()
    with Api(tmp_path, clock=clock) as api:
        endpoint = api.endpoint()
        worked(api, endpoint, 10)
        api.request("DELETE", f"/v2/serverless/{endpoint}")
        before = bill(api)
    with Api(tmp_path, clock=clock) as api:
        assert bill(api) == before
        assert before["records"][0]["serverlessId"] == endpoint


def test_a_worker_that_died_unseen_is_billed_until_it_was_last_seen(tmp_path: Path) -> None:
    clock = Clock()
    old = Api(tmp_path, clock=clock)
    old.__enter__()
    old.running_job()
    clock.now += 20
    old.tick()
    clock.now += 3
    old.abandon()
    clock.now += 1000
    with Api(tmp_path, clock=clock) as api:
        assert bill(api)["metadata"]["totals"]["totalAmount"] == amount(20 * CPU_USD_PER_S)


def test_a_worker_that_is_taken_over_is_billed_on(tmp_path: Path) -> None:
    clock = Clock()
    old = Api(tmp_path, clock=clock)
    old.__enter__()
    old.running_job()
    pool = old.pool
    pool.living = {process.pid: process for process in pool.processes}
    old.abandon()
    clock.now += 50
    with Api(tmp_path, pool=pool, clock=clock) as api:
        clock.now += 5
        assert bill(api)["metadata"]["totals"]["totalAmount"] == amount(55 * CPU_USD_PER_S)


@pytest.mark.journey
def test_the_bill_of_a_job_that_really_ran(serve: Callable[..., RealServer]) -> None:
    server = serve()
    endpoint = server.endpoint()
    began = time.time()
    job = server.run(endpoint, "def f():\n    import time\n    time.sleep(1.5)\n    return 1\n")
    assert server.finished(endpoint, job)["status"] == "COMPLETED"
    server.client.delete(f"/v2/serverless/{endpoint}").raise_for_status()
    took_s = time.time() - began

    def total() -> float:
        found = server.client.get("/v2/billing/serverless", params={"serverlessId": endpoint}).json()
        return float(found["metadata"]["totals"]["totalAmount"])

    first = wait_for(total)
    assert round(first / CPU_USD_PER_S) in range(2, math.ceil(took_s) + 1)
    time.sleep(1.1)
    assert total() == first  # the worker has ended, and so has its time
    server.stop()
    server.start()
    assert total() == first
