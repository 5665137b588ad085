from __future__ import annotations

import pytest
from contract import answer

from flash_jupyter.states import JobState
from flash_jupyter.wire.jobs import Health, Job

STATES = [
    ("queue-run", JobState.IN_QUEUE),
    ("queue-status-in-queue", JobState.IN_QUEUE),
    ("queue-status-in-progress", JobState.IN_PROGRESS),
    ("queue-status-completed", JobState.COMPLETED),
    ("queue-status-failed", JobState.FAILED),
    ("queue-status-cancelled", JobState.CANCELLED),
    ("queue-status-timed-out", JobState.TIMED_OUT),
    ("queue-cancel", JobState.CANCELLED),
]


@pytest.mark.parametrize(("name", "state"), STATES, ids=[s[0] for s in STATES])
def test_states_as_recorded(name: str, state: JobState) -> None:
    assert Job.model_validate_json(answer(name)).status is state


def test_a_finished_job_has_times_and_output() -> None:
    job = Job.model_validate_json(answer("queue-status-completed"))
    assert (job.worker_id, job.delay_ms, job.execution_ms) == ("8g3n5t6r", 31, 12)
    assert job.output["success"] is True


def test_running_is_in_progress() -> None:
    assert Job.model_validate({"id": "j", "status": "RUNNING"}).status is JobState.IN_PROGRESS


def test_an_error_is_text_whatever_it_was() -> None:
    assert Job.model_validate({"id": "j", "status": "FAILED", "error": {"a": 1}}).error_text == "{'a': 1}"
    assert Job.model_validate({"id": "j", "status": "FAILED"}).error_text == ""


SDK_ERROR = '{"error_type": "<class \'OSError\'>", "error_message": "no", "error_traceback": "File worker lost.py"}'


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        ("worker lost: w1: signal 9", True),
        ("Worker Lost", True),
        ("out of paper", False),
        (SDK_ERROR, False),
        (None, False),
    ],
    ids=["as the embedded Runpod says it", "in capitals", "a handler's own", "named in a traceback only", "no error"],
)
def test_a_lost_worker_is_told_by_the_text_of_the_error(error: str | None, lost: bool) -> None:
    assert Job.model_validate({"id": "j", "status": "FAILED", "error": error}).lost_its_worker is lost


def test_a_lost_worker_as_recorded() -> None:
    assert Job.model_validate_json(answer("queue-status-worker-lost")).lost_its_worker


def test_health_as_recorded_and_with_less() -> None:
    assert Health.model_validate_json(answer("queue-health")).workers.idle == 1
    assert Health.model_validate({"jobs": {}, "workers": {"idle": 1}}).workers.throttled == 0
