"""The two state machines: every transition that exists, and that no other one does."""

from __future__ import annotations

import pytest

from flash_jupyter.states import (
    JOB_EVENTS,
    WORKER_EVENTS,
    IllegalTransition,
    JobState,
    WorkerState,
    advance,
    advance_worker,
)


@pytest.mark.parametrize("event", JOB_EVENTS)
@pytest.mark.parametrize("state", JobState)
def test_a_job_takes_only_the_transitions_of_the_table(state: JobState, event: str) -> None:
    sources, target = JOB_EVENTS[event]
    if state in sources:
        assert advance(state, event) is target
    else:
        with pytest.raises(IllegalTransition, match=f"a job that is {state.value} can't {event}"):
            advance(state, event)


@pytest.mark.parametrize("event", WORKER_EVENTS)
@pytest.mark.parametrize("state", WorkerState)
def test_a_worker_takes_only_the_transitions_of_the_table(state: WorkerState, event: str) -> None:
    sources, target = WORKER_EVENTS[event]
    if state in sources:
        assert advance_worker(state, event) is target
    else:
        with pytest.raises(IllegalTransition, match=f"a worker that is {state.value} can't {event}"):
            advance_worker(state, event)


def test_four_job_states_are_final() -> None:
    assert {state.value for state in JobState if state.is_final} == {"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"}


def test_running_is_another_word_for_in_progress() -> None:
    assert JobState.parse("RUNNING") is JobState.IN_PROGRESS
    assert JobState.parse("FAILED") is JobState.FAILED


def test_only_a_running_worker_is_billed() -> None:
    assert [state for state in WorkerState if state.is_billed] == [WorkerState.RUNNING]
    assert [state for state in WorkerState if state.can_take_jobs] == [WorkerState.IDLE, WorkerState.RUNNING]
