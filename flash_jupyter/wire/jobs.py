"""The queue's data plane: the job document, its policy, health (Runpod docs, serverless/endpoints/send-requests)."""

from __future__ import annotations

import ast
import json
from typing import Any

from pydantic import Field, field_validator

from flash_jupyter.errors import RemoteExecutionError
from flash_jupyter.own_type import in_own_type
from flash_jupyter.states import JobState
from flash_jupyter.wire.control import Wire


class Job(Wire):
    """The answer of `/run`, `/status` and `/cancel`: state, times in milliseconds, and the output when there is one.

    `output` is whatever the handler returned; while IN_PROGRESS it may hold a progress update. `error` is a text, or
    the JSON text of the SDK (`error_type`, `error_message`, ...).
    """

    id: str
    status: JobState
    worker_id: str | None = Field(default=None, alias="workerId")
    delay_ms: int | None = Field(default=None, alias="delayTime")
    execution_ms: int | None = Field(default=None, alias="executionTime")
    output: Any = None
    error: Any = None

    @field_validator("status", mode="before")
    @classmethod
    def _read_status(cls, value: Any) -> Any:
        return JobState.parse(value) if isinstance(value, str) else value

    @property
    def error_text(self) -> str:
        """The error as text, whatever the worker put there."""
        return self.error if isinstance(self.error, str) else "" if self.error is None else repr(self.error)

    @property
    def lost_its_worker(self) -> bool:
        """Whether the worker died with the job; only the text of the error says so."""
        return "worker lost" in read_error(self.error_text).lower()


class JobCounts(Wire):
    """How many jobs of an endpoint are where."""

    completed: int = 0
    failed: int = 0
    in_progress: int = Field(default=0, alias="inProgress")
    in_queue: int = Field(default=0, alias="inQueue")


class WorkerCounts(Wire):
    """How many workers of an endpoint are in which state; the platform leaves some out."""

    idle: int = 0
    initializing: int = 0
    ready: int = 0
    running: int = 0
    throttled: int = 0
    unhealthy: int = 0


class Health(Wire):
    """The answer of `/health`."""

    jobs: JobCounts = JobCounts()
    workers: WorkerCounts = WorkerCounts()


class Purged(Wire):
    """The answer of `/purge-queue`: how many waiting jobs were taken out."""

    removed: int = 0


def read_error(text: str) -> str:
    r"""Return what a job's `error` says; the SDK's worker puts JSON into it.

    >>> read_error('{"error_type": "<class \'KeyError\'>", "error_message": "k", "error_traceback": "..."}')
    "<class 'KeyError'>: k"
    """
    try:
        data = json.loads(text)
    except ValueError:
        return text
    if not isinstance(data, dict) or "error_message" not in data:
        return text
    return f"{data.get('error_type', 'error')}: {data['error_message']}"


def read_failure(text: str) -> RemoteExecutionError:
    r"""Make an exception of a failed job's `error`: a text, or the JSON of the SDK's worker.

    >>> read_failure('{"error_type": "<class \'KeyError\'>", "error_message": "k"}').message
    'KeyError: k'
    >>> read_failure("out of paper").message
    'the handler failed: out of paper'
    """
    name, separator, message = read_error(text).partition(": ")
    if separator and name.startswith("<class "):
        kind = ast.literal_eval(name.removeprefix("<class ").removesuffix(">"))
        return in_own_type(RemoteExecutionError(kind, message))
    return RemoteExecutionError("the handler failed", text)
