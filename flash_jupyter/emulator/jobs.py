"""One job: its record, what it answers to `/status`, and what the body of `/run` may ask for.

No I/O and no clock. Bodies stay the bytes that came in: the worker's copy of a request and the client's copy of a
result are spliced, not encoded again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flash_jupyter import limits
from flash_jupyter.emulator.config import PlatformLimits
from flash_jupyter.states import JobState, advance


class BadRequest(Exception):
    """The body can't be accepted; the text is the answer's `error`."""


@dataclass(frozen=True)
class Policy:
    """What a `/run` body asks for beside its input: `policy` in seconds, `webhook`. Source: docs, send-requests."""

    execution_timeout_s: float | None = None
    ttl_s: float = limits.JOB_TTL_DEFAULT_S
    low_priority: bool = False
    webhook: str | None = None


@dataclass
class Job:
    """A job of one endpoint. Times are seconds since the epoch; `request` and `result` are JSON texts.

    `request` is the body of `/run`; `result` holds nothing but `output` and `error` of the worker's answer. Either is
    None while its text is in a file. `retention_s` is a longer one than usual, and is not stored.
    """

    id: str
    endpoint_id: str
    request: bytes | None
    submitted_at: float
    expires_at: float
    sync: bool = False
    low_priority: bool = False
    execution_timeout_s: float | None = None
    state: JobState = JobState.IN_QUEUE
    taken_at: float | None = None
    finished_at: float | None = None
    worker_id: str = ""
    retries: int = 0
    result: bytes | None = None
    error: str | None = None
    chunks: list[bytes] = field(default_factory=list)
    #: taken before the server was started anew: nobody knows whether the worker has got it
    inherited: bool = False
    #: where its worker's log stood when it was taken; not stored
    log_start: int = 0
    webhook: str | None = None
    retention_s: float | None = None

    def advance(self, event: str) -> None:
        """Go to the state that `event` leads to, or raise `IllegalTransition`."""
        self.state = advance(self.state, event)

    @property
    def timeout_at(self) -> float | None:
        """When a running job has used up its execution time."""
        if self.taken_at is None or self.execution_timeout_s is None:
            return None
        return self.taken_at + self.execution_timeout_s

    def retained_until(self, allowed: PlatformLimits) -> float:
        """After this the job answers 404."""
        if self.finished_at is None:
            return self.expires_at
        usual_s = allowed.runsync_retention_s if self.sync else allowed.run_retention_s
        return min(self.finished_at + (self.retention_s or usual_s), self.expires_at)


def new_job_id(*, sync: bool) -> str:
    """Make an id of the platform's form: `<uuid>-u1`, with `sync-` before it for `/runsync`."""
    return f"{'sync-' if sync else ''}{uuid.uuid4()}-u1"


def parse_run_body(body: bytes, allowed: PlatformLimits) -> Policy:
    """Check the body of `/run` and return what it asks for; raises `BadRequest`."""
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("input"), dict):
        raise BadRequest("the body needs `input`, a JSON object")
    return _parse_policy(document.get("policy"), _parse_webhook(document.get("webhook")), allowed)


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def webhook_of(body: bytes) -> str | None:
    """Return the webhook of an accepted body.

    >>> webhook_of(b'{"input": {}, "webhook": "http://h"}')
    'http://h'
    """
    return _parse_webhook(json.loads(body).get("webhook")) if b'"webhook"' in body else None


def _parse_webhook(webhook: Any) -> str | None:
    if not webhook:
        return None
    if not isinstance(webhook, str) or not webhook.startswith(("http://", "https://")):
        raise BadRequest("`webhook` must be a URL that begins with http:// or https://")
    return webhook


def _parse_policy(policy: Any, webhook: str | None, allowed: PlatformLimits) -> Policy:
    if policy is None:
        return Policy(webhook=webhook)
    if not isinstance(policy, Mapping):
        raise BadRequest("`policy` must be a JSON object")
    timeout_s = _seconds(policy, "executionTimeout", allowed.execution_timeout_min_s, limits.EXECUTION_TIMEOUT_MAX_S)
    ttl_s = _seconds(policy, "ttl", allowed.job_ttl_min_s, limits.JOB_TTL_MAX_S)
    low_priority = policy.get("lowPriority", False)
    if not isinstance(low_priority, bool):
        raise BadRequest("`policy.lowPriority` must be true or false")
    return Policy(timeout_s, limits.JOB_TTL_DEFAULT_S if ttl_s is None else ttl_s, low_priority, webhook)


def _seconds(policy: Mapping[str, Any], name: str, least: float, most: float) -> float | None:
    value = policy.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value / 1000 <= most:
        raise BadRequest(f"`policy.{name}` must be {least * 1000:.0f} to {most * 1000:.0f} milliseconds")
    return value / 1000


def splice(body: bytes, fields: Mapping[str, Any]) -> bytes:
    """Add fields at the end of a JSON object's text, without reading it.

    >>> splice(b'{"input": {"x": 1}}', {"id": "a"})
    b'{"input": {"x": 1},"id":"a"}'
    >>> splice(b'{}', {"id": "a"})
    b'{"id":"a"}'
    """
    head = body.rstrip()[:-1].rstrip()
    tail = json.dumps(fields, separators=(",", ":")).encode()[1:]
    return head + (tail if head.endswith(b"{") else b"," + tail)


def accepted_document(job: Job) -> bytes:
    """Return what `/run` answers: whatever has happened to the job meanwhile, the platform says IN_QUEUE."""
    return b'{"id":"%s","status":"IN_QUEUE"}' % job.id.encode()


def status_document(job: Job, result: bytes | None) -> bytes:
    """Return what `/status` answers; `result` is the job's result, from wherever it is.

    A final job always has the three fields which the released clients require (flash-wire.md 3.1).
    """
    fields: dict[str, Any] = {"id": job.id, "status": job.state.value}
    if job.taken_at is not None or job.state.is_final:
        fields["delayTime"] = _milliseconds(job.submitted_at, job.taken_at)
        if job.state.is_final:
            fields["executionTime"] = _milliseconds(job.taken_at, job.finished_at)
        fields["workerId"] = job.worker_id
    if job.error is not None:
        fields["error"] = job.error
    return splice(result or b"{}", fields)


def _milliseconds(start: float | None, end: float | None) -> int:
    return 0 if start is None or end is None else max(0, round((end - start) * 1000))


def order_document(job_id: str, request: bytes) -> bytes:
    """Return what job-take answers: the client's whole body, unchanged, and the job's id."""
    return splice(request, {"id": job_id})


@dataclass(frozen=True)
class WorkerAnswer:
    """What a worker posted to job-done; `result` holds nothing but `output` and `error`."""

    result: bytes
    failed: bool
    progress: bool
    stop_worker: bool


def parse_worker_answer(body: bytes) -> WorkerAnswer:
    """Read the body of job-done; raises `BadRequest`. Forms: reference/runpod-platform.md 1.5."""
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the result is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadRequest("the result must be a JSON object")
    kept = {name: document[name] for name in ("output", "error") if name in document}
    return WorkerAnswer(
        result=body if len(kept) == len(document) else json.dumps(kept).encode(),
        failed="error" in document,
        progress=document.get("status") == "IN_PROGRESS",
        stop_worker=bool(document.get("stopPod")),
    )


def split_chunk(body: bytes, limit_bytes: int) -> list[bytes]:
    """Split a partial result above the platform's limit; only a text can be split.

    >>> split_chunk(b'{"output": "abcdef"}', 4)
    [b'{"output": "abcd"}', b'{"output": "ef"}']
    """
    if len(body) <= limit_bytes:
        return [body]
    output = json.loads(body).get("output")
    if not isinstance(output, str):
        return [body]
    pieces = [output[start : start + limit_bytes] for start in range(0, len(output), limit_bytes)]
    return [json.dumps({"output": piece}).encode() for piece in pieces]
