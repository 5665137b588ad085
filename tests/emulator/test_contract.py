"""The server against the recorded examples: same status, same headers, same shape; fixed words are equal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract import FOLDER, example
from emulated import BALANCER_ENDPOINT, Api, wait_for
from replayed import check, send
from user_server import ThreadedServer

FR = {"function_name": "add", "function_code": "def add(a, b):\n    return a + b\n", "args": ["gAVLAi4=", "gAVLAy4="]}


@pytest.fixture
def endpoint(api: Api) -> str:
    answer = send(api, example("control-create-gpu")["request"])
    check("control-create-gpu", answer)
    return str(answer.json()["id"])


@pytest.fixture
def running(api: Api, endpoint: str) -> tuple[str, str, str]:
    job = api.run(endpoint, input=FR)
    worker = api.worker()
    api.take(endpoint, worker)
    return endpoint, worker, job


def test_every_example_says_where_it_is_from() -> None:
    for path in FOLDER.glob("*.json"):
        if not path.name.startswith("openapi-"):
            assert set(json.loads(path.read_text())) == {"source", "date", "request", "response"}, path.name


def test_create_of_a_cpu_endpoint(api: Api) -> None:
    answer = send(api, example("control-create-cpu")["request"])
    check("control-create-cpu", answer)
    assert answer.json()["cpu"] == example("control-create-cpu")["response"]["body"]["cpu"]


@pytest.mark.parametrize("name", ["control-get", "control-list", "control-patch", "control-delete"])
def test_requests_for_an_endpoint(api: Api, endpoint: str, name: str) -> None:
    check(name, send(api, example(name)["request"], endpoint=endpoint))


def test_workers_of_an_endpoint(api: Api, running: tuple[str, str, str]) -> None:
    check("control-workers", send(api, example("control-workers")["request"], endpoint=running[0]))


def test_releases_of_an_endpoint(api: Api, running: tuple[str, str, str]) -> None:
    api.request("PATCH", f"/v2/serverless/{running[0]}", json={"env": {"MODEL_NAME": "flux"}})
    check("control-releases", send(api, example("control-releases")["request"], endpoint=running[0]))


def test_log_of_a_worker(api: Api, running: tuple[str, str, str]) -> None:
    endpoint, worker, _ = running
    log = api.pool.orders[-1].log_path
    log.write_text('Worker ready.\n@FJ1:0123456789abcdef:1:1/1:{"t":"stdout","text":"hello\\n"}\n')
    api.call(lambda: api.pool.processes[-1].end("exit code 0"))
    expected = example("control-logs")
    answer = send(api, expected["request"], endpoint=endpoint, **{"8g3n5t6r": worker})
    assert answer.status_code == 200
    for header in ("Content-Type", "Cache-Control", "X-Accel-Buffering", "RateLimit"):
        assert header in answer.headers
    events = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    data = [json.loads(event[1].removeprefix("data: ")) for event in events]
    assert all(event[0] == f"id: {line['ts']}" for event, line in zip(events, data, strict=True))
    assert all(set(line) == {"source", "line", "ts"} for line in data)
    wanted = [json.loads(line[6:])["line"] for line in expected["response"]["body"].split("\n") if line[:5] == "data:"]
    assert [line["line"] for line in data if line["source"] == "container"] == wanted[1:]
    assert len({line["ts"] for line in data}) == len(data)


@pytest.mark.parametrize("status", ["400", "401", "404", "422"])
def test_errors_of_the_control_plane(api: Api, status: str) -> None:
    name = f"control-error-{status}"
    answer = send(api, example(name)["request"])
    check(name, answer)
    assert answer.json() == example(name)["response"]["body"]


def test_rate_limit_of_the_control_plane(tmp_path: Path) -> None:
    with Api(tmp_path, control_per_hour=1) as api:
        api.get("/v2/serverless")
        answer = api.get("/v2/serverless")
    assert answer.status_code == 429
    expected = example("control-error-429")["response"]
    assert set(answer.json()) == set(expected["body"])
    assert answer.json()["detail"] == "rate limit exceeded for the hour window"
    assert answer.headers["Retry-After"] == "3600"


def test_run_and_runsync(api: Api, endpoint: str) -> None:
    check("queue-run", send(api, example("queue-run")["request"], endpoint=endpoint))
    worker = api.worker()
    queued = api.take(endpoint, worker).json()["id"]
    api.done(endpoint, worker, queued, {"output": {}})
    take = api.begin("GET", f"/v2/{endpoint}/job-take/{worker}?gpu=CPU&job_in_progress=0")
    request = example("queue-runsync")["request"]
    waiting = api.begin("POST", f"/v2/{endpoint}/runsync?wait=60000", content=json.dumps(request["body"]))
    job = take.result(60).json()["id"]
    assert job.startswith("sync-")
    api.done(endpoint, worker, job, example("worker-done")["request"]["body"])
    check("queue-runsync", waiting.result(60))


def test_runsync_whose_wait_runs_out(tmp_path: Path) -> None:
    with Api(tmp_path, runsync_wait_min_s=0.0) as api:
        endpoint = api.endpoint()
        api.run(endpoint)
        worker = api.worker()
        job = api.take(endpoint, worker).json()["id"]
        api.done(endpoint, worker, job, {"output": 1})
        take = api.begin("GET", f"/v2/{endpoint}/job-take/{worker}?gpu=CPU")
        # the clock stands still: the wait is over when it is moved
        waiting = api.begin("POST", f"/v2/{endpoint}/runsync?wait=100", json={"input": {}})
        take.result(60)
        api.clock.now += 1
        check("queue-runsync-open", waiting.result(60))


STATES: dict[str, Any] = {
    "queue-status-completed": example("worker-done")["request"]["body"],
    "queue-status-failed": {"error": example("queue-status-failed")["response"]["body"]["error"]},
}


@pytest.mark.parametrize("name", STATES)
def test_status_after_a_workers_answer(api: Api, running: tuple[str, str, str], name: str) -> None:
    endpoint, worker, job = running
    api.done(endpoint, worker, job, STATES[name])
    check(name, api.get(f"/v2/{endpoint}/status/{job}"))


def test_status_of_an_open_job(api: Api, endpoint: str) -> None:
    job = api.run(endpoint)
    check("queue-status-in-queue", api.get(f"/v2/{endpoint}/status/{job}"))
    api.take(endpoint, api.worker())
    check("queue-status-in-progress", api.get(f"/v2/{endpoint}/status/{job}"))


def test_status_of_a_job_whose_worker_died(api: Api, running: tuple[str, str, str]) -> None:
    endpoint, worker, job = running
    api.pool.orders[-1].log_path.write_text("step 41\n")
    api.call(lambda: api.pool.processes[-1].end("exit code 3"))
    answer = api.get(f"/v2/{endpoint}/status/{job}")
    expected = example("queue-status-worker-lost")["response"]["body"]
    assert set(answer.json()) == set(expected)
    assert answer.json()["error"] == expected["error"].replace("8g3n5t6r", worker)


def test_cancel_and_its_status(api: Api, endpoint: str) -> None:
    job = api.run(endpoint)
    check("queue-cancel", api.post(f"/v2/{endpoint}/cancel/{job}"))
    check("queue-status-cancelled", api.get(f"/v2/{endpoint}/status/{job}"))


def test_time_out_and_retry(api: Api, running: tuple[str, str, str]) -> None:
    endpoint, _, job = running
    api.clock.now += 301
    api.tick()
    answer = api.get(f"/v2/{endpoint}/status/{job}")
    expected = example("queue-status-timed-out")["response"]["body"]
    assert set(answer.json()) == set(expected)
    assert answer.json()["error"] == "job timed out after 300 s"
    check("queue-retry", api.post(f"/v2/{endpoint}/retry/{job}"))


def test_purge(api: Api, endpoint: str) -> None:
    api.run(endpoint)
    api.run(endpoint)
    check("queue-purge", api.post(f"/v2/{endpoint}/purge-queue"))


def test_health(api: Api, running: tuple[str, str, str]) -> None:
    endpoint, worker, job = running
    api.done(endpoint, worker, job, {"output": 1})
    answer = api.get(f"/v2/{endpoint}/health")
    assert answer.json() == example("queue-health")["response"]["body"]


def test_stream(api: Api, running: tuple[str, str, str]) -> None:
    endpoint, worker, job = running
    for token in (1, 2):
        path = f"/v2/{endpoint}/job-stream/{worker}/{job}?isStream=false"
        check("worker-stream", api.post(path, content=json.dumps({"output": {"tok": token}})))
    answer = api.get(f"/v2/{endpoint}/stream/{job}")
    assert answer.json() == example("queue-stream")["response"]["body"]


@pytest.mark.parametrize("name", ["400-input", "401", "404-endpoint", "404-job"])
def test_errors_of_the_data_plane(api: Api, endpoint: str, name: str) -> None:
    name = f"queue-error-{name}"
    answer = send(api, example(name)["request"], endpoint=endpoint)
    check(name, answer)
    assert answer.json() == example(name)["response"]["body"]


def test_rate_limit_of_the_data_plane(tmp_path: Path) -> None:
    with Api(tmp_path, rate_per_10_s={"run": 1}) as api:
        endpoint = api.endpoint()
        api.run(endpoint)
        answer = api.post(f"/v2/{endpoint}/run", json={"input": {}})
    expected = example("queue-error-429")["response"]
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == expected["headers"]["Retry-After"]
    assert answer.json()["error"] == expected["body"]["error"].replace("1000", "1")


def test_take(api: Api, endpoint: str) -> None:
    body = example("queue-run")["request"]["body"]
    job = api.post(f"/v2/{endpoint}/run", json=body).json()["id"]
    answer = send(api, example("worker-take")["request"], endpoint=endpoint, **{"8g3n5t6r": api.worker()})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {**body, "id": job}


def test_take_of_several(api: Api, endpoint: str) -> None:
    jobs = [api.run(endpoint, input=FR) for _ in range(2)]
    answer = send(api, example("worker-take-batch")["request"], endpoint=endpoint, **{"8g3n5t6r": api.worker()})
    check_list = example("worker-take-batch")["response"]["body"]
    assert [job["id"] for job in answer.json()] == jobs
    assert set(answer.json()[0]) == set(check_list[0])


def test_take_of_nothing_and_ping(api: Api, running: tuple[str, str, str]) -> None:
    endpoint, worker, job = running
    api.done(endpoint, worker, job, {"output": 1})
    for name in ("worker-take-none", "worker-ping"):
        check(name, send(api, example(name)["request"], endpoint=endpoint, **{"8g3n5t6r": worker}))


@pytest.mark.parametrize("name", ["worker-done", "worker-done-error", "worker-done-progress"])
def test_done(api: Api, running: tuple[str, str, str], name: str) -> None:
    endpoint, worker, job = running
    recorded = example(name)["request"]["path"].split("/")[5].split("?")[0]
    answer = send(api, example(name)["request"], endpoint=endpoint, **{"8g3n5t6r": worker, recorded: job})
    check(name, answer)


def test_create_of_a_load_balancer(api: Api) -> None:
    answer = send(api, example("control-create-balancer")["request"])
    check("control-create-balancer", answer)
    assert answer.json()["requestUrls"] == {
        "base": f"http://local/lb/{answer.json()['id']}",  # a path, where the platform has a host name
        "health": f"http://local/lb/{answer.json()['id']}/ping",
    }


@pytest.fixture
def worker() -> Iterator[ThreadedServer]:
    worker = ThreadedServer()
    yield worker
    worker.stop()


def balanced(api: Api, example_name: str, endpoint: str, **ids: str) -> httpx.Response:
    request = example(example_name)["request"]
    return send(api, {**request, "path": request["path"].replace("4m7x2k9q", endpoint)}, **ids)


def test_ping_of_a_load_balancer(api: Api, worker: ThreadedServer) -> None:
    api.pool.ports.append(worker.port)
    endpoint = api.endpoint(**BALANCER_ENDPOINT)
    check("balancer-ping-initialising", balanced(api, "balancer-ping-initialising", endpoint))
    wait_for(lambda: balanced(api, "balancer-ping-healthy", endpoint).status_code == 200)
    check("balancer-ping-healthy", balanced(api, "balancer-ping-healthy", endpoint))


def test_errors_of_a_load_balancer(tmp_path: Path, worker: ThreadedServer) -> None:
    with Api(tmp_path, balancer_wait_s=0.1, balancer_processing_s=0.2) as api:
        full = api.endpoint(**{**BALANCER_ENDPOINT, "workers": {"max": 0}})
        for name in (
            "balancer-error-400",
            "balancer-error-401",
            "balancer-error-404-worker",
            "balancer-error-404-endpoint",
        ):
            answer = balanced(api, name, full)
            check(name, answer)
            assert answer.json() == example(name)["response"]["body"]
    with Api(tmp_path / "other", balancer_processing_s=0.2) as api:
        api.pool.ports.append(worker.port)
        slow = api.endpoint(**BALANCER_ENDPOINT)
        name = "balancer-error-524"
        request = {**example(name)["request"], "path": f"/lb/{slow}/sleep?seconds=30"}
        answer = send(api, request)
        assert answer.status_code == 524
        assert set(example(name)["response"]["headers"]) <= {"Content-Type", "X-Runpod-Worker-Id"}
        assert "X-Runpod-Worker-Id" in answer.headers
        expected = example(name)["response"]["body"]["error"].replace("330 s", "0.2 s")
        assert answer.json() == {"error": expected}


def test_stop(api: Api, running: tuple[str, str, str]) -> None:
    endpoint, worker, job = running
    waiting = api.begin("GET", f"/v2/{endpoint}/job-stop/{worker}?gpu=CPU")
    api.post(f"/v2/{endpoint}/cancel/{job}")
    assert waiting.result(60).json() == {"jobsToStop": [job]}
