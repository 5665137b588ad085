"""Workers made with the released `runpod` SDK, started by the embedded Runpod from an endpoint's `args`.

What each handler gives and what its job then says: reference/runpod-platform.md 1.5.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foreign import Platform, told

WORKER = Path(__file__).with_name("programs") / "sdk_worker.py"
VERSIONS = ("1.12.0", "2.0.0rc2")
pytestmark = pytest.mark.foreign

#: gives the endpoint of one SDK version and one kind of handler; made at the first use
Endpoints = Callable[[str, str], str]


@pytest.fixture(scope="module")
def endpoints(released: Callable[..., Path], platform: Platform) -> Endpoints:
    made: dict[tuple[str, str], str] = {}

    def endpoint(version: str, kind: str) -> str:
        if (version, kind) not in made:
            python = released(f"runpod=={version}", "cloudpickle")
            name = f"{kind}-{version.replace('.', '-')}"
            made[version, kind] = platform.deploy(name, f"{python} {WORKER} {kind}")
        return made[version, kind]

    return endpoint


def completed(output: Any) -> dict[str, Any]:
    return {"status": "COMPLETED", "output": output}


TOKENS = [{"token": 0}, {"token": 1}]
RETURNED = [
    ("a list", [1, {"a": None}], completed([1, {"a": None}])),
    ("a text that is not ASCII", "Grüße, 世界", completed("Grüße, 世界")),
    ("nothing", None, completed(None)),
    ("an empty object, which has no output", {}, {"status": "COMPLETED"}),
    (
        "an error beside other keys",
        {"error": "bad", "kept": 1},
        {"status": "FAILED", "error": "bad", "output": {"kept": 1}},
    ),
    ("nothing but an error", {"error": "bad"}, {"status": "FAILED", "error": "bad"}),
]
#: (sentence, kind, input, what its job says)
CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    *(
        (f"a handler that is {kind} returns {what}", kind, {"do": "return", "value": value}, said)
        for kind in ("sync", "async")
        for what, value, said in RETURNED
    ),
    ("a generator's items are its output", "generator", {"count": 2}, completed(TOKENS)),
    ("an async generator's items are its output", "async-generator", {"count": 2}, completed(TOKENS)),
    ("without aggregation the output is empty", "generator-alone", {"count": 2}, completed([])),
    (
        "an error that a generator yields",
        "generator",
        {"count": 1, "then": "error"},
        {"status": "FAILED", "error": "no more tokens"},
    ),
]
SMOKE = {"a handler that is async returns a list", "a generator's items are its output"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("kind", "order", "said"),
    [pytest.param(*case[1:], id=case[0], marks=[] if case[0] in SMOKE else pytest.mark.slow) for case in CASES],
)
def test_what_a_handler_gives_is_what_its_job_says(
    version: str, kind: str, order: dict[str, Any], said: dict[str, Any], endpoints: Endpoints, platform: Platform
) -> None:
    endpoint = endpoints(version, kind)
    assert told(platform.reached(endpoint, platform.submit(endpoint, order))) == said


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_exception_is_told_with_its_place(version: str, kind: str, endpoints: Endpoints, platform: Platform) -> None:
    endpoint = endpoints(version, kind)
    document = platform.reached(endpoint, platform.submit(endpoint, {"do": "raise"}))
    said = told(document)
    error = json.loads(said.pop("error"))
    assert error.pop("error_traceback").splitlines()[-1] == "KeyError: 'missing'"
    error.pop("logs", None)  # rc2: the last lines that the handler wrote, if there are any
    assert said == {"status": "FAILED"}
    assert error == {
        "error_type": "<class 'KeyError'>",
        "error_message": "'missing'",
        "hostname": f"{document['workerId']}-local",
        "worker_id": document["workerId"],
        "runpod_version": version,
    }


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_an_exception_in_a_generator_takes_the_aggregate_with_it(
    version: str, endpoints: Endpoints, platform: Platform
) -> None:
    endpoint = endpoints(version, "generator")
    job = platform.submit(endpoint, {"count": 1, "then": "raise"})
    said = told(platform.reached(endpoint, job))
    assert said.pop("error").startswith("handler: no more tokens \ntraceback: Traceback")
    assert said == {"status": "FAILED"}
    assert platform.client.get(f"/v2/{endpoint}/stream/{job}").json() == {
        "status": "FAILED",
        "stream": [{"output": {"token": 0}}],
    }


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_the_handler_gets_the_whole_body_of_the_request(version: str, endpoints: Endpoints, platform: Platform) -> None:
    endpoint = endpoints(version, "sync")
    job = platform.submit(endpoint, {"do": "keys"}, policy={"lowPriority": False}, s3Config={"bucketName": "b"})
    assert told(platform.reached(endpoint, job)) == completed(["id", "input", "policy", "s3Config"])


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_progress_is_the_output_of_a_running_job(
    version: str, kind: str, endpoints: Endpoints, platform: Platform
) -> None:
    endpoint = endpoints(version, kind)
    job = platform.submit(endpoint, {"do": "sleep", "seconds": 1.5, "name": "short"})
    platform.reached(endpoint, job, "IN_PROGRESS")
    seen = []
    while (document := platform.status(endpoint, job))["status"] == "IN_PROGRESS":
        seen.append(document.get("output"))
        time.sleep(0.05)
    assert {"step": "asleep"} in seen
    assert told(document) == completed("slept")


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_result_that_is_not_json_never_comes_and_the_job_times_out(
    version: str, endpoints: Endpoints, platform: Platform
) -> None:
    endpoint = endpoints(version, "async")
    job = platform.submit(endpoint, {"do": "unencodable"}, policy={"executionTimeout": 5000})
    assert told(platform.reached(endpoint, job)) == {"status": "TIMED_OUT", "error": "job timed out after 5 s"}


def workers_of_two_jobs(platform: Platform, endpoint: str, first: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Run two jobs one after the other; returns what the first said, and the ids of their workers."""
    one, two = (platform.submit(endpoint, order) for order in (first, {"do": "return", "value": 2}))
    documents = [platform.reached(endpoint, job) for job in (one, two)]
    assert documents[1]["output"] == 2
    return told(documents[0]), {document["workerId"] for document in documents}


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        pytest.param(
            "async", {"refresh_worker": True, "kept": 1}, completed({"kept": 1}), id="the handler asks for it"
        ),
        pytest.param("refreshing", {"kept": 1}, completed({"kept": 1}), id="the worker is configured so"),
    ],
)
def test_the_next_job_gets_a_fresh_worker(
    version: str, kind: str, value: Any, said: dict[str, Any], endpoints: Endpoints, platform: Platform
) -> None:
    answer, workers = workers_of_two_jobs(platform, endpoints(version, kind), {"do": "return", "value": value})
    assert (answer, len(workers)) == (said, 2)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_worker_stays_when_nobody_asks_for_a_fresh_one(
    version: str, endpoints: Endpoints, platform: Platform
) -> None:
    answer, workers = workers_of_two_jobs(platform, endpoints(version, "async"), {"do": "return", "value": 1})
    assert (answer, len(workers)) == (completed(1), 1)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_concurrency_modifier_gets_jobs_in_batches_which_run_at_once(
    version: str, endpoints: Endpoints, platform: Platform
) -> None:
    endpoint = endpoints(version, "concurrent")
    jobs = [platform.submit(endpoint, {"do": "gather", "count": 4, "seconds": 30, "name": str(n)}) for n in range(4)]
    documents = [platform.reached(endpoint, job) for job in jobs]
    assert [told(document) for document in documents] == [completed(4)] * 4
    assert len({document["workerId"] for document in documents}) == 1


def asleep(platform: Platform, endpoint: str, job: str) -> dict[str, Any]:
    """Wait until the handler runs: 1.12 can't stop a job that it has taken and not yet begun."""
    while (document := platform.reached(endpoint, job, "IN_PROGRESS")).get("output") != {"step": "asleep"}:
        time.sleep(0.05)
    return document


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_cancelled_job_is_stopped_and_its_worker_goes_on(
    version: str, endpoints: Endpoints, platform: Platform
) -> None:
    endpoint = endpoints(version, "async")
    job = platform.submit(endpoint, {"do": "sleep", "seconds": 60, "name": "mine"})
    running = asleep(platform, endpoint, job)
    platform.client.post(f"/v2/{endpoint}/cancel/{job}")
    assert told(platform.status(endpoint, job)) == {"status": "CANCELLED"}
    after = platform.reached(endpoint, platform.submit(endpoint, {"do": "stopped"}))
    assert (after["output"], after["workerId"]) == (["mine"], running["workerId"])


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_one_of_several_jobs_of_a_worker_is_stopped_and_the_others_end_well(
    version: str, endpoints: Endpoints, platform: Platform
) -> None:
    endpoint = endpoints(version, "concurrent")
    names = ("one", "two", "three")
    jobs = [platform.submit(endpoint, {"do": "sleep", "seconds": 4, "name": name}) for name in names]
    for job in jobs:
        asleep(platform, endpoint, job)
    platform.client.post(f"/v2/{endpoint}/cancel/{jobs[1]}")
    states = [platform.reached(endpoint, job)["status"] for job in jobs]
    assert states == ["COMPLETED", "CANCELLED", "COMPLETED"]


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_a_sync_handler_can_not_be_stopped_so_its_worker_is_ended(
    version: str, endpoints: Endpoints, platform: Platform
) -> None:
    endpoint = endpoints(version, "sync")
    job = platform.submit(endpoint, {"do": "sleep", "seconds": 60})
    running = asleep(platform, endpoint, job)
    platform.client.post(f"/v2/{endpoint}/cancel/{job}")
    assert told(platform.status(endpoint, job)) == {"status": "CANCELLED"}
    after = platform.reached(endpoint, platform.submit(endpoint, {"do": "return", "value": 1}))
    assert (after["output"], after["workerId"] == running["workerId"]) == (1, False)


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_workers_that_fail_their_own_checks_fail_the_job_with_the_reason(
    version: str, endpoints: Endpoints, platform: Platform
) -> None:
    endpoint = endpoints(version, "unfit")
    said = told(platform.reached(endpoint, platform.submit(endpoint, {"do": "keys"})))
    first, *words = said.pop("error").splitlines()
    assert re.fullmatch(
        r"worker lost: 3 workers in a row did not start; worker \w+ ended before it was ready: "
        r"unhealthy: no_camera: RuntimeError: the camera is not plugged in",
        first,
    )
    assert any("the camera is not plugged in" in word for word in words)
    assert said == {"status": "FAILED"}


@pytest.mark.slow
def test_a_preparation_that_fails_fails_the_job_with_the_reason(endpoints: Endpoints, platform: Platform) -> None:
    endpoint = endpoints("2.0.0rc2", "unprepared")
    said = told(platform.reached(endpoint, platform.submit(endpoint, {"do": "keys"})))
    error = json.loads(said.pop("error"))
    assert said == {"status": "FAILED"}
    assert (error["event"], error["hook"]) == ("prestart_failed", "late_no_camera")
