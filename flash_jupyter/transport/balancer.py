"""The HTTP routes of one load balanced endpoint. Its URL is the endpoint's own `requestUrls.base`.

Rule of the file: a request that a worker may have seen is never sent again. Nobody has seen one that was answered
without `X-Runpod-Worker-Id` while workers start (Runpod docs, load-balancing: cold callers try again).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from flash_jupyter import limits
from flash_jupyter.errors import ApiError, NotFoundError, PayloadTooLargeError, UnreachableError
from flash_jupyter.transport.http import Http, Retry
from flash_jupyter.transport.refusals import nothing_was_sent, read_problem, refusal

#: statuses of a balancer that has no worker yet; 400 only where its text says so
COLD = frozenset({204, 502, 503})
NO_WORKERS = "no workers available"
#: what the platform says of the account and its key, before a worker is chosen
OF_THE_ACCOUNT = frozenset({401, 402, 403})
#: the code of a 404 for a request that only one worker may take (Runpod docs, worker-affinity)
WORKER_GONE = "affinity_worker_gone"
#: who made the answer; in a request, who is to make it
WORKER = "X-Runpod-Worker-Id"
PAUSES = Retry(first_s=0.25, factor=1.5, cap_s=5.0, deadline_s=limits.BALANCER_WAIT_S)
#: of a text that is no JSON, an error shows so much
SHOWN_CHARACTERS = 500


class Balancer:
    """Requests to one endpoint; `name` is its name in messages."""

    def __init__(self, http: Http, base: str, name: str) -> None:
        self._http, self._base, self._name = http, base.rstrip("/"), name

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request until a worker has answered it; returns an answer below 300.

        Raises `PayloadTooLargeError` before anything is sent, `NotFoundError` where the endpoint is gone,
        `AuthenticationError` and its like where the key is refused, and `ApiError` with the worker's words for every
        other status.
        """
        answer = await self.answer(method, path, query=query, content=content, timeout_s=timeout_s, headers=headers)
        return self.checked(method, path, answer)

    async def answer(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Do the same, and return the answer whatever its status; `checked` says what that means."""
        size_bytes = len(content or b"")
        if size_bytes > limits.BALANCER_PAYLOAD_BYTES:
            raise PayloadTooLargeError(
                {"the body": size_bytes},
                size_bytes=size_bytes,
                limit_bytes=limits.BALANCER_PAYLOAD_BYTES,
                what="what the call needs",
                fix="pass where it can be loaded from",
            )
        url = str(httpx.URL(f"{self._base}{path}", params=query or None)) if query else f"{self._base}{path}"
        clock = self._http.clock
        started, attempt = clock.monotonic(), 0
        while True:
            answer = await self._attempt(method, url, content, timeout_s or limits.BALANCER_PROCESSING_S, headers)
            pause_s = PAUSES.pause_s(attempt, clock.random())
            is_patient = clock.monotonic() - started + pause_s < PAUSES.deadline_s
            if answer is not None and not (_is_cold(answer) and is_patient):
                return answer
            if not is_patient:
                raise UnreachableError(f"endpoint {self._name} takes no connections", fix="look at %flash endpoints")
            attempt += 1
            await clock.sleep(pause_s)

    async def _attempt(
        self, method: str, url: str, content: bytes | None, timeout_s: float, headers: Mapping[str, str] | None
    ) -> httpx.Response | None:
        """Send it once; None where there was not even a connection."""
        try:
            return await self._http.exchange(method, url, content=content, timeout_s=timeout_s, headers=headers)
        except UnreachableError as failure:
            if nothing_was_sent(failure):
                return None
            raise

    def checked(self, method: str, path: str, answer: httpx.Response) -> httpx.Response:
        """Return an answer below 300, or raise what `request` raises."""
        status = answer.status_code
        if status < 300 and not _is_cold(answer):
            return answer
        if status in OF_THE_ACCOUNT and WORKER not in answer.headers:
            raise refusal(self._http.backend, method, answer)
        detail = read_problem(answer.content) or answer.text[:SHOWN_CHARACTERS]
        what = f"{method} {path} of endpoint {self._name} answered {status}{f': {detail}' if detail else ''}"
        if status == 404 and WORKER not in answer.headers and WORKER_GONE not in answer.text:
            raise NotFoundError(what, status=status, detail=detail)
        if _is_cold(answer):
            raise ApiError(
                f"endpoint {self._name} had no worker within {PAUSES.deadline_s:g} s ({status}: {detail or 'no text'})",
                status=status,
                detail=detail,
                fix="look at %flash endpoints; workersMin=1 keeps one ready",
            )
        raise ApiError(what, status=status, detail=detail, fix=_advice(answer))


def _advice(answer: httpx.Response) -> str:
    if answer.status_code == 524:
        return f"a request has {limits.BALANCER_PROCESSING_S:g} s at most; a queue endpoint takes what lasts longer"
    if answer.status_code == 404 and WORKER_GONE in answer.text:
        return f"without {WORKER} any worker may answer"
    return "the text is what the worker said; see its log"


def _is_cold(answer: httpx.Response) -> bool:
    """Whether no worker has seen the request."""
    if WORKER in answer.headers:
        return False
    return answer.status_code in COLD or (
        answer.status_code == 400 and NO_WORKERS in read_problem(answer.content).lower()
    )
