from __future__ import annotations

import json
from typing import Any

import pytest

from flash_jupyter.emulator.config import PlatformLimits
from flash_jupyter.emulator.jobs import (
    BadRequest,
    Job,
    Policy,
    new_job_id,
    order_document,
    parse_run_body,
    parse_worker_answer,
    splice,
    status_document,
)
from flash_jupyter.states import JobState

ALLOWED = PlatformLimits()


@pytest.mark.parametrize(
    ("body", "policy"),
    [
        ({"input": {}}, Policy()),
        ({"input": {}, "policy": None}, Policy()),
        ({"input": {}, "policy": {"executionTimeout": 5000}}, Policy(execution_timeout_s=5.0)),
        ({"input": {}, "policy": {"ttl": 10_000, "lowPriority": True}}, Policy(None, 10.0, True)),
        ({"input": {}, "webhook": "http://x"}, Policy(webhook="http://x")),
        ({"input": {}, "webhook": None, "s3Config": {}}, Policy()),
    ],
    ids=["no policy", "a policy of null", "a timeout", "time to live and priority", "a webhook", "other fields pass"],
)
def test_what_a_run_body_asks_for(body: dict[str, Any], policy: Policy) -> None:
    assert parse_run_body(json.dumps(body).encode(), ALLOWED) == policy


REFUSED = [
    ("not JSON", b"{", "the body is not JSON"),
    ("not UTF-8", b'{"input": {"x": "\xff"}}', "the body is not JSON"),
    ("NaN", b'{"input": {"x": NaN}}', "NaN is not JSON"),
    ("deep nesting", b"[" * 200_000, "the body is not JSON"),
    ("a list", b"[]", "the body needs `input`, a JSON object"),
    ("no input", b"{}", "the body needs `input`, a JSON object"),
    ("input is a list", b'{"input": []}', "the body needs `input`, a JSON object"),
    ("policy is a text", b'{"input": {}, "policy": "x"}', "`policy` must be a JSON object"),
    (
        "timeout too short",
        b'{"input": {}, "policy": {"executionTimeout": 4999}}',
        "`policy.executionTimeout` must be 5000",
    ),
    ("timeout too long", b'{"input": {}, "policy": {"executionTimeout": 604800001}}', "to 604800000 milliseconds"),
    ("timeout is a bool", b'{"input": {}, "policy": {"executionTimeout": true}}', "`policy.executionTimeout`"),
    ("ttl too short", b'{"input": {}, "policy": {"ttl": 9999}}', "`policy.ttl` must be 10000"),
    (
        "priority is a number",
        b'{"input": {}, "policy": {"lowPriority": 1}}',
        "`policy.lowPriority` must be true or false",
    ),
]


@pytest.mark.parametrize(("body", "text"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_a_run_body_must_not_be(body: bytes, text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        parse_run_body(body, ALLOWED)
    assert text in str(refused.value)


@pytest.mark.parametrize("body", [b"{}", b" {} \n", b'{"a": 1}', b'{"a": {}}', b'{"a": 1 } '])
def test_spliced_fields_are_in_the_object(body: bytes) -> None:
    assert json.loads(splice(body, {"id": "x"})) == {**json.loads(body), "id": "x"}


def test_the_workers_order_is_the_clients_body_with_the_id_of_the_server() -> None:
    order = json.loads(order_document("mine", b'{"id": "theirs", "input": {}, "webhook": "w"}'))
    assert order == {"id": "mine", "input": {}, "webhook": "w"}


ANSWERS = [
    ("a value", {"output": 1}, {"output": 1}, False, False, False),
    ("null", {"output": None}, {"output": None}, False, False, False),
    ("an empty dict", {}, {}, False, False, False),
    ("an error", {"error": "e"}, {"error": "e"}, True, False, False),
    ("an error with output", {"output": 1, "error": "e"}, {"output": 1, "error": "e"}, True, False, False),
    ("stop this pod", {"output": 1, "stopPod": True}, {"output": 1}, False, False, True),
    ("progress", {"status": "IN_PROGRESS", "output": 5}, {"output": 5}, False, True, False),
]


@pytest.mark.parametrize(
    ("body", "result", "failed", "progress", "stop"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS]
)
def test_forms_of_a_workers_answer(
    body: dict[str, Any], result: dict[str, Any], failed: bool, progress: bool, stop: bool
) -> None:
    answer = parse_worker_answer(json.dumps(body).encode())
    assert json.loads(answer.result) == result
    assert (answer.failed, answer.progress, answer.stop_worker) == (failed, progress, stop)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"a=b"])
def test_what_a_workers_answer_must_not_be(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_worker_answer(body)


def test_an_answer_is_not_encoded_again() -> None:
    body = b'{ "output" : "\\u00e4" }'
    assert parse_worker_answer(body).result is body


def test_a_final_job_always_has_worker_and_times() -> None:
    job = Job("a", "e", b"{}", 10.0, 20.0, state=JobState.CANCELLED, finished_at=11.0)
    assert json.loads(status_document(job, None)) == {
        "id": "a",
        "status": "CANCELLED",
        "delayTime": 0,
        "executionTime": 0,
        "workerId": "",
    }


def test_times_are_whole_milliseconds() -> None:
    job = Job("a", "e", b"{}", 10.0, 99.0, state=JobState.COMPLETED, taken_at=10.25, finished_at=11.5, worker_id="w")
    document = json.loads(status_document(job, b'{"output":1}'))
    assert (document["delayTime"], document["executionTime"], document["output"]) == (250, 1250, 1)


def test_retention_is_by_kind_and_never_beyond_the_time_to_live() -> None:
    job = Job("a", "e", b"{}", 0.0, 10_000.0, finished_at=100.0)
    assert job.retained_until(ALLOWED) == 100 + 30 * 60
    job.sync = True
    assert job.retained_until(ALLOWED) == 160
    job.expires_at = 120.0
    assert job.retained_until(ALLOWED) == 120


def test_ids_have_the_platforms_form() -> None:
    assert new_job_id(sync=False).endswith("-u1")
    assert new_job_id(sync=True).startswith("sync-")
