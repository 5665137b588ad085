from __future__ import annotations

import time
from pathlib import Path

import pytest
from emulated import Api, MadeUpPool

from flash_jupyter.emulator.config import FAILED_STARTS_MAX
from flash_jupyter.emulator.jobs import Policy


def test_a_poll_is_held_and_answers_as_soon_as_there_is_a_job(tmp_path: Path) -> None:
    with Api(tmp_path, take_hold_s=30) as api:
        endpoint = api.endpoint(workers={"min": 1})
        poll = api.begin("GET", f"/v2/{endpoint}/job-take/{api.worker()}?gpu=CPU")
        time.sleep(0.05)
        assert not poll.done()
        job = api.run(endpoint)
        assert poll.result(60).json()["id"] == job


def test_a_poll_without_a_job_answers_204_after_the_hold(api: Api) -> None:
    endpoint = api.endpoint(workers={"min": 1})
    began = time.monotonic()
    answer = api.take(endpoint, api.worker())
    assert (answer.status_code, answer.content) == (204, b"")
    assert time.monotonic() - began >= 0.14


def test_polls_are_released_when_the_server_ends(tmp_path: Path) -> None:
    with Api(tmp_path, take_hold_s=30) as api:
        endpoint = api.endpoint(workers={"min": 1})
        worker = api.worker()
        polls = [api.begin("GET", f"/v2/{endpoint}/{route}/{worker}?gpu=CPU") for route in ("job-take", "job-stop")]
        time.sleep(0.05)
        api.call(api.emulator.dispatcher.release)
        assert [poll.result(60).status_code for poll in polls] == [204, 204]


def test_the_last_worker_that_came_gets_the_job(tmp_path: Path) -> None:
    with Api(tmp_path, take_hold_s=30) as api:
        endpoint = api.endpoint(workers={"min": 2})
        api.tick()
        first, second = (order.worker_id for order in api.pool.orders)
        polls = {}
        for worker in (first, second):
            polls[worker] = api.begin("GET", f"/v2/{endpoint}/job-take/{worker}?gpu=CPU")
            time.sleep(0.02)
        api.run(endpoint)
        assert polls[second].result(60).status_code == 200
        assert not polls[first].done()


def test_a_dead_workers_poll_gets_no_job(tmp_path: Path) -> None:
    with Api(tmp_path, take_hold_s=30) as api:
        endpoint = api.endpoint(workers={"min": 1})
        poll = api.begin("GET", f"/v2/{endpoint}/job-take/{api.worker()}?gpu=CPU")
        time.sleep(0.05)
        api.pool.processes[0].reason = "killed by signal 9"  # its end has not been noticed yet
        job = api.run(endpoint)
        assert api.status(endpoint, job)["status"] == "IN_QUEUE"
        assert poll.result(60).status_code == 204


def test_a_worker_is_idle_from_its_first_poll_and_running_with_a_job(api: Api) -> None:
    endpoint = api.endpoint(workers={"min": 1})
    worker = api.worker()

    def status() -> str:
        return str(api.get(f"/v2/serverless/{endpoint}/workers").json()["workers"][0]["status"])

    assert status() == "INITIALIZING"
    api.take(endpoint, worker)
    assert status() == "IDLE"
    job = api.run(endpoint)
    api.take(endpoint, worker)
    assert status() == "RUNNING"
    api.done(endpoint, worker, job, {"output": 1})
    assert status() == "IDLE"


def test_an_idle_worker_ends_after_its_time(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1})
    api.clock.now += 59
    api.tick()
    assert api.pool.processes[0].is_alive()
    api.clock.now += 2
    api.tick()
    assert not api.pool.processes[0].is_alive()
    assert api.get(f"/v2/serverless/{endpoint}/workers").json()["workers"] == []


@pytest.mark.parametrize("size", ["0", "-1", "x", "2"])
def test_a_batch_is_a_list(api: Api, size: str) -> None:
    endpoint = api.endpoint()
    jobs = [api.run(endpoint) for _ in range(2)]
    answer = api.get(f"/v2/{endpoint}/job-take-batch/{api.worker()}?batch_size={size}")
    assert [job["id"] for job in answer.json()] == jobs[: 2 if size == "2" else 1]


def test_our_worker_gets_the_job_that_stands_in_line_with_the_answer_to_its_result(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    following = api.run(endpoint)
    done = f"/v2/{endpoint}/job-done/{worker}/{{}}?gpu=CPU&isStream=false&take=1"
    answer = api.post(done.format(job), content='{"output": 1}')
    assert answer.json() == {"input": {"x": 1}, "id": following}
    assert [api.status(endpoint, each)["status"] for each in (job, following)] == ["COMPLETED", "IN_PROGRESS"]
    assert api.post(done.format(following), content='{"output": 2}').json() == {}


def test_a_worker_that_did_not_hear_the_answer_to_its_result_gets_the_same_job_again(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    following, last = api.run(endpoint), api.run(endpoint)
    done = f"/v2/{endpoint}/job-done/{worker}/{job}?gpu=CPU&isStream=false&take=1"
    given = [api.post(done, content='{"output": 1}').json()["id"] for _ in range(2)]
    assert given == [following, following]
    assert api.status(endpoint, last)["status"] == "IN_QUEUE"


def test_a_worker_that_is_dead_gets_no_job_with_the_answer_to_its_result(api: Api) -> None:
    endpoint, worker, job = api.running_job(workers={"max": 1})
    waits = api.run(endpoint)
    api.pool.processes[0].reason = "it crashed"  # not noticed yet
    done = f"/v2/{endpoint}/job-done/{worker}/{job}?gpu=CPU&isStream=false&take=1"
    assert api.post(done, content='{"output": 1}').json() == {}
    assert api.status(endpoint, waits)["status"] == "IN_QUEUE"


def test_a_worker_that_ends_gets_no_job_with_the_answer_to_its_result(api: Api) -> None:
    endpoint, worker, job = api.running_job(workers={"max": 1})
    waits = api.run(endpoint)
    path = f"/v2/{endpoint}/job-done/{worker}/{job}?gpu=CPU&isStream=false&take=1"
    assert api.post(path, content='{"output": 1, "stopPod": true}').json() == {}
    assert api.status(endpoint, waits)["status"] == "IN_QUEUE"


def test_a_worker_that_asks_to_be_stopped_gets_no_more_jobs_and_is_stopped(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1, "stopPod": True})
    assert api.status(endpoint, job)["output"] == 1
    api.run(endpoint)
    assert api.take(endpoint, worker).status_code in (204, 404)
    api.tick()
    assert not api.pool.processes[0].is_alive()
    api.tick()
    assert len(api.pool.orders) == 2


def test_a_worker_that_is_unhealthy_is_replaced(api: Api) -> None:
    endpoint = api.endpoint()
    api.run(endpoint)
    worker = api.worker()
    api.get(f"/v2/{endpoint}/ping/{worker}?status=unhealthy&check=disk&reason=full")
    api.tick()
    api.tick()
    assert not api.pool.processes[0].is_alive()
    assert len(api.pool.orders) >= 2


def test_a_poll_of_a_worker_that_called_itself_unhealthy_brings_nothing(api: Api) -> None:
    endpoint = api.endpoint()
    job = api.run(endpoint)
    worker = api.worker()
    api.get(f"/v2/{endpoint}/ping/{worker}?status=unhealthy&check=disk&reason=full")
    assert api.take(endpoint, worker).status_code in (204, 404)  # 404: it is ended already
    assert api.status(endpoint, job)["status"] == "IN_QUEUE"


def test_a_worker_that_calls_itself_unhealthy_at_work_still_delivers_and_then_ends(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.get(f"/v2/{endpoint}/ping/{worker}?status=unhealthy&check=disk&reason=full")
    assert api.done(endpoint, worker, job, {"output": 1}).status_code == 200
    assert api.status(endpoint, job)["output"] == 1
    api.tick()
    assert not api.pool.processes[0].is_alive()


def test_a_poll_that_was_released_a_moment_ago_takes_no_job_along(tmp_path: Path) -> None:
    with Api(tmp_path, take_hold_s=30) as api:
        endpoint_id = api.endpoint(workers={"min": 1})
        poll = api.begin("GET", f"/v2/{endpoint_id}/job-take/{api.worker()}?gpu=CPU")
        time.sleep(0.05)

        def release_and_submit() -> str:
            endpoint = api.emulator.world.endpoint(endpoint_id)
            endpoint.polls[0].release()  # its time is over, and its request has not answered yet
            job = api.emulator.dispatcher.submit(endpoint, b'{"input": {"x": 1}}', Policy(), sync=False)
            return str(job.id)

        job = api.call(release_and_submit)
        assert poll.result(60).status_code == 204
        assert api.status(endpoint_id, job)["status"] == "IN_QUEUE"


def test_workers_that_fail_their_own_checks_fail_what_is_queued(api: Api) -> None:
    endpoint = api.endpoint()
    job = api.run(endpoint)
    for _ in range(FAILED_STARTS_MAX):
        api.get(f"/v2/{endpoint}/ping/{api.worker()}?status=unhealthy&check=disk&reason=full")
        api.tick()
    status = api.status(endpoint, job)
    assert status["status"] == "FAILED"
    assert status["error"].startswith("worker lost: 3 workers in a row did not start; worker ")
    assert " ended before it was ready: unhealthy: disk: full\n" in status["error"]


def test_an_unknown_worker_is_answered_404_after_a_pause(api: Api) -> None:
    began = time.monotonic()
    answer = api.take(api.endpoint(), "nobody")
    assert (answer.status_code, answer.json()) == (404, {"error": "worker nobody not found"})
    assert time.monotonic() - began >= 0.9


def test_a_long_text_of_a_stream_is_split(tmp_path: Path) -> None:
    with Api(tmp_path, stream_chunk_bytes=30) as api:
        endpoint, worker, job = api.running_job()
        path = f"/v2/{endpoint}/job-stream/{worker}/{job}?isStream=false"
        api.post(path, json={"output": "x" * 50})
        chunks = api.get(f"/v2/{endpoint}/stream/{job}").json()["stream"]
    assert [chunk["output"] for chunk in chunks] == ["x" * 30, "x" * 20]


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff"])
def test_a_partial_result_that_is_no_object_is_refused(api: Api, content: bytes) -> None:
    endpoint, worker, job = api.running_job()
    assert api.post(f"/v2/{endpoint}/job-stream/{worker}/{job}?x=1", content=content).status_code == 400
    assert api.status(endpoint, job)["status"] == "IN_PROGRESS"


def test_workers_that_can_not_start_fail_what_is_queued(api: Api) -> None:
    api.pool.failure = FileNotFoundError(2, "No such file or directory", "/no/python")
    endpoint = api.endpoint()
    job = api.run(endpoint)
    for _ in range(FAILED_STARTS_MAX):
        api.tick()
    status = api.status(endpoint, job)
    assert status["status"] == "FAILED"
    assert "3 workers in a row did not start" in status["error"]


def test_too_much_memory_ends_a_worker(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    limit = api.emulator.world.workers[0].memory_limit_bytes
    api.pool.processes[0].used = limit + (1 << 20)
    api.clock.now += 1
    api.tick()
    assert api.status(endpoint, job)["error"].startswith(
        f"worker lost: {worker}: out of memory: used {(limit >> 20) + 1} MB of {limit >> 20} MB"
    )


# --- a server that takes over ----------------------------------------------------------------------------------


def restarted(api: Api, folder: Path) -> Api:
    """A new server on the store of one that ended without a word."""
    api.abandon()
    return Api(folder, pool=api.pool)


def left_behind(folder: Path) -> tuple[Api, str, str, str]:
    api = Api(folder)
    api.__enter__()
    endpoint, worker, job = api.running_job()
    api.pool.living = {process.pid: process for process in api.pool.processes}
    return api, endpoint, worker, job


def test_a_worker_that_lives_delivers_to_the_new_server(tmp_path: Path) -> None:
    old, endpoint, worker, job = left_behind(tmp_path)
    with restarted(old, tmp_path) as api:
        assert api.status(endpoint, job)["status"] == "IN_PROGRESS"
        api.done(endpoint, worker, job, {"output": 1})
        assert api.status(endpoint, job)["output"] == 1


def test_a_worker_that_never_got_its_job_fails_it(tmp_path: Path) -> None:
    old, endpoint, worker, job = left_behind(tmp_path)
    with restarted(old, tmp_path) as api:
        api.take(endpoint, worker)
        assert api.status(endpoint, job)["error"] == (
            f"worker lost: {worker}: it did not get the job before the server was started anew"
        )


def test_a_worker_that_is_gone_has_lost_its_job(tmp_path: Path) -> None:
    old, endpoint, worker, job = left_behind(tmp_path)
    old.pool.living = {}
    with restarted(old, tmp_path) as api:
        assert api.status(endpoint, job)["error"].startswith(f"worker lost: {worker}: it ended while")
        api.tick()
        assert len(api.pool.orders) == 1  # it is not run again


def test_queued_jobs_and_partial_results_are_still_there(tmp_path: Path) -> None:
    old, endpoint, worker, job = left_behind(tmp_path)
    queued = old.run(endpoint)
    old.post(f"/v2/{endpoint}/job-stream/{worker}/{job}?x=1", content='{"output": 1}')
    with restarted(old, tmp_path) as api:
        assert api.get(f"/v2/{endpoint}/stream/{job}").json()["stream"] == [{"output": 1}]
        api.done(endpoint, worker, job, {"output": 1})
        assert api.take(endpoint, worker).json() == {"input": {"x": 1}, "id": queued}


def test_a_server_at_another_address_ends_the_old_workers(tmp_path: Path) -> None:
    old, endpoint, worker, job = left_behind(tmp_path)
    old.call(lambda: old.store.set_meta("workers_url", "http://elsewhere"))
    with restarted(old, tmp_path) as api:
        assert not api.pool.processes[0].is_alive()
        assert api.status(endpoint, job)["error"].startswith(f"worker lost: {worker}")


def test_a_server_that_ends_fails_what_runs_and_keeps_what_waits(tmp_path: Path) -> None:
    pool = MadeUpPool()
    with Api(tmp_path, pool=pool) as api:
        endpoint, _, job = api.running_job()
        queued = api.run(endpoint)
    assert not pool.processes[0].is_alive()
    with Api(tmp_path, pool=pool) as api:
        assert api.status(endpoint, job)["error"].endswith("the embedded Runpod was stopped")
        assert api.status(endpoint, queued)["status"] == "IN_QUEUE"
