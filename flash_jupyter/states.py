"""Where a job and a worker can be, and how they get from one state to the next.

Everything that asks "is it final?", "may it be retried?", "who is billed?" is answered from the tables of this file.
Names: Runpod docs, serverless/endpoints/job-states, and `WorkerStatus` of the REST v2 document.
"""

from __future__ import annotations

from enum import Enum


class IllegalTransition(Exception):
    """An event that the state does not allow; the state did not change."""


class JobState(str, Enum):
    """Where a job is, as the platform says it."""

    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"

    @classmethod
    def parse(cls, text: str) -> JobState:
        """Read the platform's word; `RUNNING`, which the docs also list, is `IN_PROGRESS`."""
        return cls.IN_PROGRESS if text == "RUNNING" else cls(text)

    @property
    def is_final(self) -> bool:
        """Whether nothing more can happen but a retry."""
        return self not in OPEN_JOBS


OPEN_JOBS = frozenset({JobState.IN_QUEUE, JobState.IN_PROGRESS})

#: event -> (states it may come from, state it leads to); what is not listed is not allowed.
#: `/retry` only from FAILED and TIMED_OUT: Runpod docs, operation-reference.
JOB_EVENTS: dict[str, tuple[frozenset[JobState], JobState]] = {
    "take": (frozenset({JobState.IN_QUEUE}), JobState.IN_PROGRESS),
    "finish": (frozenset({JobState.IN_PROGRESS}), JobState.COMPLETED),
    "fail": (OPEN_JOBS, JobState.FAILED),
    "cancel": (OPEN_JOBS, JobState.CANCELLED),
    "expire": (OPEN_JOBS, JobState.TIMED_OUT),
    "retry": (frozenset({JobState.FAILED, JobState.TIMED_OUT}), JobState.IN_QUEUE),
}


def advance(state: JobState, event: str) -> JobState:
    """Return the state that `event` leads to, or raise `IllegalTransition`.

    >>> advance(JobState.IN_QUEUE, "take").value
    'IN_PROGRESS'
    """
    sources, target = JOB_EVENTS[event]
    if state not in sources:
        raise IllegalTransition(f"a job that is {state.value} can't {event}")
    return target


class WorkerState(str, Enum):
    """Where a worker is: `WorkerStatus` of the REST v2 document."""

    INITIALIZING = "INITIALIZING"
    IDLE = "IDLE"
    RUNNING = "RUNNING"
    THROTTLED = "THROTTLED"
    UNHEALTHY = "UNHEALTHY"

    @property
    def is_billed(self) -> bool:
        """Whether its seconds cost money (Runpod docs, serverless/workers/overview)."""
        return self is WorkerState.RUNNING

    @property
    def can_take_jobs(self) -> bool:
        """Whether it polls the queue."""
        return self in {WorkerState.IDLE, WorkerState.RUNNING}


#: event -> (states it may come from, state it leads to)
WORKER_EVENTS: dict[str, tuple[frozenset[WorkerState], WorkerState]] = {
    "place": (frozenset({WorkerState.THROTTLED}), WorkerState.INITIALIZING),
    "throttle": (frozenset({WorkerState.INITIALIZING}), WorkerState.THROTTLED),
    "poll": (frozenset({WorkerState.INITIALIZING, WorkerState.IDLE, WorkerState.RUNNING}), WorkerState.IDLE),
    "take": (frozenset({WorkerState.INITIALIZING, WorkerState.IDLE, WorkerState.RUNNING}), WorkerState.RUNNING),
    "sicken": (frozenset(WorkerState), WorkerState.UNHEALTHY),
    "restart": (frozenset({WorkerState.UNHEALTHY}), WorkerState.INITIALIZING),
}


#: the stations of a job as they are shown, in the order in which it meets them
PHASES = ("preflight", "provisioning", "queue", "starting", "dependencies", "running", "returning")


def advance_worker(state: WorkerState, event: str) -> WorkerState:
    """Return the state that `event` leads to, or raise `IllegalTransition`.

    >>> advance_worker(WorkerState.INITIALIZING, "poll").value
    'IDLE'
    """
    sources, target = WORKER_EVENTS[event]
    if state not in sources:
        raise IllegalTransition(f"a worker that is {state.value} can't {event}")
    return target
