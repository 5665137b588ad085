"""What happens when the clock of the embedded Runpod is put forward."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from emulated import Api


def advance(api: Api, seconds: float) -> dict[str, Any]:
    answer = api.post("/_flash/clock", json={"advance_s": seconds})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_the_clock_says_what_time_it_is_and_how_far_it_is_ahead(api: Api) -> None:
    assert api.get("/_flash/clock").json() == {"now": "2026-05-28T20:26:40.000000Z", "ahead_s": 0.0}
    assert advance(api, 60) == {"now": "2026-05-28T20:27:40.000000Z", "ahead_s": 60.0}
    assert advance(api, 0.5)["ahead_s"] == 60.5


NO_NUMBER = "`advance_s` must be a number above 0, at most 31622400"
NO_OBJECT = "the body is no JSON object"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{"advance_s": 0}', NO_NUMBER),
        ('{"advance_s": -1}', NO_NUMBER),
        ('{"advance_s": "1"}', NO_NUMBER),
        ("{}", NO_NUMBER),
        ("x", NO_OBJECT),
        ("[]", NO_OBJECT),
    ],
)
def test_what_is_no_number_above_zero_is_refused(api: Api, body: str, text: str) -> None:
    answer = api.post("/_flash/clock", content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": text})


def test_a_result_is_gone_after_its_retention(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1})
    advance(api, 1799)
    assert api.status(endpoint, job)["status"] == "COMPLETED"
    advance(api, 2)
    assert api.get(f"/v2/{endpoint}/status/{job}").status_code == 404


def test_an_idle_worker_ends_after_its_idle_timeout(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    api.done(endpoint, worker, job, {"output": 1})
    assert api.pool.processes[0].is_alive()
    advance(api, 61)
    assert not api.pool.processes[0].is_alive()


def test_a_queued_job_ends_with_its_time_to_live(api: Api) -> None:
    endpoint = api.endpoint(workers={"max": 0})
    job = api.run(endpoint)
    advance(api, 86_399)
    assert api.status(endpoint, job)["status"] == "IN_QUEUE"
    advance(api, 3)
    advance(api, 3)
    assert api.get(f"/v2/{endpoint}/status/{job}").status_code == 404


def test_a_running_job_times_out(api: Api) -> None:
    endpoint, _, job = api.running_job()
    advance(api, 301)
    assert api.status(endpoint, job)["status"] == "TIMED_OUT"


def test_who_waits_in_runsync_gets_the_state_when_the_wait_is_over(api: Api) -> None:
    endpoint = api.endpoint()
    began = time.monotonic()
    waiting = api.begin("POST", f"/v2/{endpoint}/runsync?wait=60000", json={"input": {}})
    api.get(f"/v2/{endpoint}/health")
    advance(api, 61)
    assert waiting.result(60).json()["status"] == "IN_QUEUE"
    assert time.monotonic() - began < 50


def test_the_lines_of_a_log_stay_in_order(api: Api) -> None:
    endpoint, worker, job = api.running_job()
    advance(api, 3600)
    api.done(endpoint, worker, job, {"output": 1})
    api.call(lambda: api.pool.processes[0].end("exit code 0"))
    answer = api.get(f"/v2/serverless/{endpoint}/workers/{worker}/logs")
    times = [json.loads(line[6:])["ts"] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert times == sorted(times)
    assert times[0] < "2026-05-28T21" < times[-1]


def test_the_server_does_not_end_because_its_clock_jumped(api: Api) -> None:
    advance(api, 86_400)
    assert api.emulator.is_idle is False


def test_a_day_ahead_survives_in_nothing_but_the_stored_times(tmp_path: Path) -> None:
    with Api(tmp_path) as api:
        endpoint, worker, job = api.running_job()
        api.done(endpoint, worker, job, {"output": 1})
        advance(api, 600)
    with Api(tmp_path) as api:
        assert api.get("/_flash/clock").json()["ahead_s"] == 0
        assert api.status(endpoint, job)["status"] == "COMPLETED"


def test_the_control_plane_says_the_time_in_its_answers(api: Api) -> None:
    before = api.get("/v2/serverless").headers["Date"]
    advance(api, 86_400)
    assert (before, api.get("/v2/serverless").headers["Date"]) == (
        "Thu, 28 May 2026 20:26:40 GMT",
        "Fri, 29 May 2026 20:26:40 GMT",
    )
