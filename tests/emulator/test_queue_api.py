from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from emulated import Api, wait_for


def test_a_job_goes_through_all_states(api: Api) -> None:
    endpoint = api.endpoint()
    job = api.run(endpoint)
    assert api.status(endpoint, job) == {"id": job, "status": "IN_QUEUE"}
    worker = api.worker()
    api.clock.now += 0.5
    assert api.take(endpoint, worker).json() == {"input": {"x": 1}, "id": job}
    assert api.status(endpoint, job) == {"id": job, "status": "IN_PROGRESS", "delayTime": 500, "workerId": worker}
    api.clock.now += 2
    api.done(endpoint, worker, job, {"output": {"y": 2}})
    assert api.status(endpoint, job) == {
        "id": job,
        "status": "COMPLETED",
        "delayTime": 500,
        "executionTime": 2000,
        "workerId": worker,
        "output": {"y": 2},
    }


def test_a_job_is_taken_once_and_in_order(api: Api) -> None:
    endpoint = api.endpoint()
    jobs = [api.run(endpoint) for _ in range(3)]
    worker = api.worker()
    assert [api.take(endpoint, worker).json()["id"] for _ in jobs] == jobs
    assert api.take(endpoint, worker).status_code == 204


def test_progress_is_shown_while_the_job_runs(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"status": "IN_PROGRESS", "output": "half"})
    assert (api.status(endpoint, job)["status"], api.status(endpoint, job)["output"]) == ("IN_PROGRESS", "half")
    api.done(endpoint, worker, job, {"output": "all"})
    assert api.status(endpoint, job)["output"] == "all"


def test_a_large_input_and_a_large_result_are_whole(api: Api) -> None:
    endpoint = api.endpoint()
    text = "ä" * 100_000
    job = api.run(endpoint, input={"text": text})
    worker = api.worker()
    assert api.take(endpoint, worker).json()["input"] == {"text": text}
    api.done(endpoint, worker, job, {"output": text})
    assert api.status(endpoint, job)["output"] == text


def test_a_request_above_the_limit_is_refused(tmp_path: Path) -> None:
    with Api(tmp_path, run_bytes=100, runsync_bytes=200) as api:
        endpoint = api.endpoint()
        body = json.dumps({"input": {"text": "x" * 120}})
        answer = api.post(f"/v2/{endpoint}/run", content=body)
        assert (answer.status_code, answer.json()) == (400, {"error": "the body is larger than 100 bytes"})
        waiting = api.begin("POST", f"/v2/{endpoint}/runsync", content=body)
        worker = api.worker()
        job = api.take(endpoint, worker).json()["id"]
        api.done(endpoint, worker, job, {"output": 1})
        assert waiting.result(60).json()["status"] == "COMPLETED"


def test_a_result_above_the_limit_fails_the_job(tmp_path: Path) -> None:
    with Api(tmp_path, result_bytes=100) as api:
        endpoint, worker, job = api.running_job()
        assert api.done(endpoint, worker, job, {"output": "x" * 200}).status_code == 400
        status = api.status(endpoint, job)
        assert status["error"] == "the result was refused: the body is larger than 100 bytes"


def test_cancel_of_a_running_job_tells_its_worker(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    stop = api.begin("GET", f"/v2/{endpoint}/job-stop/{worker}?gpu=CPU")
    assert api.post(f"/v2/{endpoint}/cancel/{job}").json() == {"id": job, "status": "CANCELLED"}
    assert stop.result(60).json() == {"jobsToStop": [job]}
    assert api.done(endpoint, worker, job, {"output": "too late"}).status_code == 200
    assert api.status(endpoint, job)["status"] == "CANCELLED"


def test_a_worker_that_goes_on_after_a_cancel_lives(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.post(f"/v2/{endpoint}/cancel/{job}")
    assert api.take(endpoint, worker).status_code == 204
    api.clock.now += 4
    api.tick()
    assert api.pool.processes[0].is_alive()


@pytest.mark.parametrize(
    ("args", "started"),
    [
        pytest.param("", 2, id="our loop ends after a stopped job, so the next worker starts at once"),
        pytest.param("python -u handler.py", 1, id="a worker of the SDK goes on, so there is never one too many"),
    ],
)
def test_who_takes_the_next_job_after_a_cancel(args: str, started: int, api: Api) -> None:
    endpoint, _, job = api.running_job(args=args)
    api.post(f"/v2/{endpoint}/cancel/{job}")
    api.run(endpoint)
    api.tick()
    assert len(api.pool.orders) == started


def test_a_worker_that_hangs_after_a_cancel_is_killed(api: Api) -> None:
    endpoint, _, job = api.running_job()
    api.post(f"/v2/{endpoint}/cancel/{job}")
    api.clock.now += 2.9
    api.tick()
    assert api.pool.processes[0].is_alive()
    api.clock.now += 0.2
    api.tick()
    assert not api.pool.processes[0].is_alive()


def test_a_worker_that_still_runs_a_cancelled_job_gets_no_other(api: Api) -> None:
    endpoint, worker, job = api.running_job(args="python -u handler.py")
    take = f"/v2/{endpoint}/job-take-batch/{worker}?gpu=CPU&batch_size=2&job_in_progress=1"
    held = api.begin("GET", take)
    wait_for(lambda: bool(api.emulator.world.endpoints[endpoint].polls), within_s=60)
    api.post(f"/v2/{endpoint}/cancel/{job}")
    after = api.run(endpoint)
    assert held.result(20).status_code == 204
    assert api.get(take).status_code == 204
    assert api.status(endpoint, after)["status"] == "IN_QUEUE"
    api.clock.now += 4
    api.tick()
    assert not api.pool.processes[0].is_alive()
    assert api.take(endpoint, api.worker()).json()["id"] == after


def test_a_worker_with_another_job_is_not_killed_for_a_cancelled_one(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    other = api.run(endpoint)
    api.take(endpoint, worker)
    api.post(f"/v2/{endpoint}/cancel/{job}")
    api.clock.now += 4
    api.tick()
    assert api.status(endpoint, other)["status"] == "IN_PROGRESS"


def test_cancel_of_a_final_job_changes_nothing(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1})
    assert api.post(f"/v2/{endpoint}/cancel/{job}").json()["status"] == "COMPLETED"


def test_retry_runs_the_same_input_under_the_same_id(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1, "error": "e"})
    assert api.post(f"/v2/{endpoint}/retry/{job}").json() == {"id": job, "status": "IN_QUEUE"}
    assert "output" not in api.status(endpoint, job)
    assert api.take(endpoint, worker).json() == {"input": {"x": 1}, "id": job}
    api.done(endpoint, worker, job, {"output": 2})
    assert api.status(endpoint, job)["output"] == 2
    assert api.get(f"/v2/{endpoint}/health").json()["jobs"]["retried"] == 1


def test_retry_of_a_completed_job_is_refused(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1})
    answer = api.post(f"/v2/{endpoint}/retry/{job}")
    assert (answer.status_code, answer.json()) == (400, {"error": "a job that is COMPLETED can't retry"})


def test_purge_leaves_running_jobs(api: Api) -> None:
    endpoint, _, running = api.running_job()
    queued = [api.run(endpoint) for _ in range(2)]
    assert api.post(f"/v2/{endpoint}/purge-queue").json() == {"removed": 2, "status": "completed"}
    assert [api.status(endpoint, job)["status"] for job in (running, *queued)] == [
        "IN_PROGRESS",
        "CANCELLED",
        "CANCELLED",
    ]


def test_stream_drains_and_then_waits_for_the_next_chunk(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    path = f"/v2/{endpoint}/job-stream/{worker}/{job}?isStream=false"
    waiting = api.begin("GET", f"/v2/{endpoint}/stream/{job}")
    api.post(path, content='{"output": 1}')
    assert waiting.result(60).json() == {"status": "IN_PROGRESS", "stream": [{"output": 1}]}
    api.post(path, content='{"output": 2}')
    api.done(endpoint, worker, job, {"output": [1, 2]})
    assert api.get(f"/v2/{endpoint}/stream/{job}").json() == {"status": "COMPLETED", "stream": [{"output": 2}]}
    assert api.get(f"/v2/{endpoint}/stream/{job}").json() == {"status": "COMPLETED", "stream": []}


@pytest.mark.parametrize(
    ("query", "kept_s"), [("", 1800), ("?ttl=60000", 60)], ids=["half an hour", "a ttl of a status"]
)
def test_a_result_is_kept_and_then_404(api: Api, query: str, kept_s: float) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1})
    api.get(f"/v2/{endpoint}/status/{job}{query}")
    api.clock.now += kept_s - 1
    api.tick()
    assert api.status(endpoint, job)["status"] == "COMPLETED"
    api.clock.now += 2
    api.tick()
    assert api.get(f"/v2/{endpoint}/status/{job}").status_code == 404
    assert api.call(api.store.jobs) == []


def test_the_result_of_runsync_is_kept_for_a_minute(api: Api) -> None:
    endpoint = api.endpoint()
    waiting = api.begin("POST", f"/v2/{endpoint}/runsync", json={"input": {}})
    api.get(f"/v2/{endpoint}/health")
    worker = api.worker()
    job = api.take(endpoint, worker).json()["id"]
    api.done(endpoint, worker, job, {"output": 1})
    waiting.result(60)
    api.clock.now += 61
    api.tick()
    assert api.get(f"/v2/{endpoint}/status/{job}").status_code == 404


def test_a_result_of_runsync_is_kept_as_long_as_it_was_waited_for(api: Api) -> None:
    endpoint = api.endpoint()
    waiting = api.begin("POST", f"/v2/{endpoint}/runsync?wait=300000", json={"input": {}})
    api.get(f"/v2/{endpoint}/health")
    worker = api.worker()
    job = api.take(endpoint, worker).json()["id"]
    api.done(endpoint, worker, job, {"output": 1})
    waiting.result(60)
    api.clock.now += 299
    api.tick()
    assert api.status(endpoint, job)["status"] == "COMPLETED"
    api.clock.now += 2
    api.tick()
    assert api.get(f"/v2/{endpoint}/status/{job}").status_code == 404


@pytest.mark.parametrize("taken", [False, True], ids=["in the queue", "on a worker"])
def test_a_job_that_outlives_its_ttl_is_deleted_at_once(api: Api, taken: bool) -> None:
    endpoint = api.endpoint()
    job = api.run(endpoint, policy={"ttl": 10_000})
    worker = api.worker()
    if taken:
        api.take(endpoint, worker)
    api.clock.now += 10.1
    api.tick()
    answer = api.get(f"/v2/{endpoint}/status/{job}")
    assert (answer.status_code, answer.json()) == (404, {"error": f"job {job} not found"})
    assert api.call(api.store.jobs) == []
    assert api.pool.processes[0].is_alive() is not taken


@pytest.mark.parametrize("wait", ["0", "999", "300001", "x"])
def test_a_wait_out_of_range_is_refused(api: Api, wait: str) -> None:
    answer = api.post(f"/v2/{api.endpoint()}/runsync?wait={wait}", json={"input": {}})
    assert (answer.status_code, answer.json()["error"]) == (400, "`wait` must be 1000 to 300000 milliseconds")


def test_the_endpoints_timeout_holds_where_the_job_has_none(api: Api) -> None:
    endpoint = api.endpoint(timeout=7000)
    job, own = api.run(endpoint), api.run(endpoint, policy={"executionTimeout": 9000})
    worker = api.worker()
    api.take(endpoint, worker)
    api.take(endpoint, worker)
    api.clock.now += 7.1
    api.tick()
    assert api.status(endpoint, job)["status"] == "TIMED_OUT"
    assert api.status(endpoint, own)["status"] == "FAILED"  # its worker was ended with the other job


def test_low_priority_starts_no_worker(api: Api) -> None:
    endpoint = api.endpoint()
    api.run(endpoint, policy={"lowPriority": True})
    api.tick()
    assert api.pool.orders == []
    api.run(endpoint)
    api.tick()
    assert len(api.pool.orders) == 1


def test_low_priority_is_taken_after_all_others(tmp_path: Path) -> None:
    with Api(tmp_path) as api:
        endpoint = api.endpoint()
        names = ["low 1", "normal 1", "low 2", "normal 2"]
        for name in names:
            api.run(endpoint, input={"name": name}, policy={"lowPriority": name.startswith("low")})
    with Api(tmp_path) as api:
        api.run(endpoint, input={"name": "normal 3"})
        worker = api.worker()
        taken = [api.take(endpoint, worker).json()["input"]["name"] for _ in range(5)]
        assert taken == ["normal 1", "normal 2", "normal 3", "low 1", "low 2"]


def test_a_queued_job_starts_a_worker_at_once(api: Api) -> None:
    api.run(api.endpoint())
    deadline = time.monotonic() + 5
    while not api.pool.orders:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_health_counts(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.run(endpoint)
    health = api.get(f"/v2/{endpoint}/health").json()
    assert health["jobs"] == {"completed": 0, "failed": 0, "inProgress": 1, "inQueue": 1, "retried": 0}
    assert health["workers"]["running"] == 1
    api.done(endpoint, worker, job, {"error": "e"})
    health = api.get(f"/v2/{endpoint}/health").json()
    assert (health["jobs"]["failed"], health["workers"]["idle"], health["workers"]["ready"]) == (1, 1, 1)


def test_a_job_of_another_endpoint_is_not_found(api: Api) -> None:
    job = api.run(api.endpoint())
    assert api.get(f"/v2/{api.endpoint()}/status/{job}").status_code == 404


def test_metrics_have_the_workers_that_take_jobs(api: Api) -> None:
    endpoint, worker, _ = api.running_job()
    assert api.get(f"/v2/{endpoint}/metrics").json() == {
        "readyWorkers": [worker],
        "workers": {"idle": 0, "initializing": 0, "ready": 0, "running": 1, "throttled": 0, "unhealthy": 0},
    }


def test_metrics_leave_out_workers_that_start(api: Api) -> None:
    endpoint = api.endpoint()
    api.run(endpoint)
    api.worker()
    metrics = api.get(f"/v2/{endpoint}/metrics").json()
    assert (metrics["readyWorkers"], metrics["workers"]["initializing"]) == ([], 1)


def test_requests_lists_the_endpoints_jobs_newest_first(api: Api) -> None:
    endpoint, worker, running = api.running_job()
    queued = api.run(endpoint)
    api.run(api.endpoint())
    assert api.get(f"/v2/{endpoint}/requests").json() == {
        "requests": [
            {"id": queued, "status": "IN_QUEUE", "workerId": ""},
            {"id": running, "status": "IN_PROGRESS", "workerId": worker},
        ]
    }


@pytest.mark.parametrize("how", ["cancelled in the queue", "cancelled", "failed", "completed", "timed out", "lost"])
def test_every_final_document_has_what_old_clients_require(api: Api, how: str) -> None:
    endpoint = api.endpoint()
    job = api.run(endpoint)
    worker = api.worker()
    if how != "cancelled in the queue":
        api.take(endpoint, worker)
    if how.startswith("cancelled"):
        api.post(f"/v2/{endpoint}/cancel/{job}")
    elif how in ("failed", "completed"):
        api.done(endpoint, worker, job, {"error": "e"} if how == "failed" else {})
    elif how == "lost":
        api.call(lambda: api.pool.processes[0].end("exit code 1"))
    else:
        api.clock.now += 301
        api.tick()
    status = api.status(endpoint, job)
    types = {"id": str, "workerId": str, "status": str, "delayTime": int, "executionTime": int}
    assert {name: type(status[name]) for name in types} == types
    assert status["workerId"] == ("" if how == "cancelled in the queue" else worker)


@pytest.mark.parametrize("operation", ["runsync", "stream"])
def test_too_many_held_requests_at_the_same_time_are_refused(tmp_path: Path, operation: str) -> None:
    with Api(tmp_path, concurrent_requests={"runsync": 1, "stream": 1}) as api:
        endpoint, _, job = api.running_job()
        path = f"/v2/{endpoint}/{operation}" + (f"/{job}" if operation == "stream" else "?wait=1000")
        body: dict[str, Any] | None = None if operation == "stream" else {"input": {}}
        method = "GET" if operation == "stream" else "POST"
        held = api.begin(method, path, json=body)
        api.get(f"/v2/{endpoint}/health")
        answer = api.request(method, path, json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert answer.json() == {"error": f"too many requests: {operation} allows 1 at the same time"}
        other = api.begin(method, path.replace(endpoint, api.endpoint()), json=body)
        api.get(f"/v2/{endpoint}/health")
        api.post("/_flash/clock", json={"advance_s": 2})
        assert held.result(60).status_code == 200
        assert other.result(60).status_code != 429
        again = api.begin(method, path, json=body)
        api.get(f"/v2/{endpoint}/health")
        api.post("/_flash/clock", json={"advance_s": 2})
        assert again.result(60).status_code == 200
