"""One keep-alive client for one Runpod: the key, deadlines, retries.

Rule of the file: a call that may have had an effect is never repeated, unless the platform said that it had none (429).
The key is in one header and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import httpx

from flash_jupyter._version import __version__
from flash_jupyter.backend import Backend
from flash_jupyter.errors import ApiError, RateLimitedError, UnreachableError
from flash_jupyter.transport.loop import within
from flash_jupyter.transport.loopback import LoopbackTransport
from flash_jupyter.transport.refusals import refusal, unreachable

#: a server that takes longer than this to say its first byte is treated as silent
SILENCE_S = 30.0
#: a whole answer has so long, however often something of it comes: 20 MB, the most that a job gives, at 0.6 Mbit/s
ANSWER_S = 300.0
#: log streams may be silent; after this they are opened again where they ended
STREAM_SILENCE_S = 90.0


@dataclass(frozen=True)
class Retry:
    """How often and for how long an idempotent call is repeated; pauses grow by `factor` up to `cap_s`, with jitter."""

    attempts: int = 5
    first_s: float = 0.25
    factor: float = 2.0
    cap_s: float = 5.0
    deadline_s: float = 30.0
    #: whether a refusal for too many requests is waited for as well
    when_refused: bool = True

    def pause_s(self, attempt: int, jitter: float) -> float:
        """Return the pause after the `attempt`-th failure (from 0); `jitter` is in [0, 1).

        >>> [Retry().pause_s(n, 0.5) for n in (0, 1, 10)]
        [0.1875, 0.375, 3.75]
        """
        full = min(self.cap_s, self.first_s * self.factor**attempt)
        return float(full * (0.5 + jitter / 2))


ONCE = Retry(attempts=1)


@dataclass(frozen=True)
class Clock:
    """Time and chance, as an argument."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    #: seconds since the epoch
    time: Callable[[], float] = time.time


class Http:
    """The connections to one backend. Give `transport` to talk to something that is not on the network."""

    def __init__(
        self,
        backend: Backend,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        self.backend, self._answer_s = backend, answer_s
        self.clock = clock or Clock()
        self._ahead_s = 0.0
        is_here = _is_loopback(backend)
        self._loopback = LoopbackTransport() if transport is None and is_here else None
        self._headers = {
            "Authorization": f"Bearer {backend.api_key}",
            "User-Agent": f"flash-jupyter/{__version__}",
            "Accept-Encoding": "identity" if is_here else "gzip, deflate",
        }
        self._client = httpx.AsyncClient(
            transport=transport or self._loopback,
            trust_env=not is_here,
            headers=self._headers,
            timeout=httpx.Timeout(SILENCE_S, connect=10.0),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=60.0),
        )

    async def call(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        idempotent: bool = True,
        retry: Retry = Retry(),
        sleep: Callable[[float], Awaitable[None]] | None = None,
    ) -> bytes:
        """Make one call and return the body of its answer.

        Raises an `ApiError`: the last one, where the call was repeated; and what `sleep` raises, the pause before that.
        A `content` is JSON.
        """
        started = self.clock.monotonic()
        attempt = 0
        while True:
            try:
                return await self._attempt(method, url, content)
            except ApiError as failure:
                pause_s = self._pause_s(failure, attempt, idempotent=idempotent, retry=retry)
                passed_s = self.clock.monotonic() - started
                if pause_s is None or passed_s + pause_s > retry.deadline_s:
                    raise
            attempt += 1
            await (sleep or self.clock.sleep)(pause_s)

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Make one request and return its answer, whatever the status; raises `UnreachableError`.

        The whole of it has `timeout_s` seconds.
        """
        headers = {**({"Content-Type": "application/json"} if content is not None else {}), **(headers or {})}
        timeout = httpx.Timeout(timeout_s, connect=10.0)
        try:
            asked = self._client.request(method, url, content=content, headers=headers, timeout=timeout)
            return await _whole(asked, timeout_s)
        except httpx.TransportError as failure:
            raise unreachable(self.backend, url, failure) from None

    @asynccontextmanager
    async def stream(
        self, url: str, *, params: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """Open a stream of server-sent events; raises the same errors as `call`, also while it is read."""
        timeout = httpx.Timeout(SILENCE_S, read=STREAM_SILENCE_S)
        accept = {"Accept": "text/event-stream", "Cache-Control": "no-store", **headers}
        try:
            async with self._client.stream("GET", url, params=params, headers=accept, timeout=timeout) as response:
                if response.status_code >= 300:
                    await response.aread()
                    raise refusal(self.backend, "GET", response)
                yield response
        except httpx.TransportError as failure:
            raise unreachable(self.backend, url, failure) from None

    def server_now(self) -> datetime:
        """Return the backend's time, UTC, as its answers say it (`Date`, RFC 9110); ours until one has said it."""
        return datetime.fromtimestamp(self.clock.time() + self._ahead_s, timezone.utc)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _attempt(self, method: str, url: str, content: bytes | None) -> bytes:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            if self._loopback is not None:
                return await self._attempt_here(self._loopback, method, url, headers, content or b"")
            response = await _whole(self._client.request(method, url, content=content, headers=headers), self._answer_s)
        except httpx.TransportError as failure:
            raise unreachable(self.backend, url, failure) from None
        self._learn_time(response.headers.get("Date", ""))
        if response.status_code >= 300:
            raise refusal(self.backend, method, response)
        return response.content

    async def _attempt_here(
        self, loopback: LoopbackTransport, method: str, url: str, headers: dict[str, str], content: bytes
    ) -> bytes:
        answered = loopback.request(method, url, self._headers | headers, content, SILENCE_S, whole_s=self._answer_s)
        status, found, body = await answered
        if status >= 300:
            request = httpx.Request(method, url)
            raise refusal(self.backend, method, httpx.Response(status, headers=found, content=body, request=request))
        self._learn_time(next((value.decode("ascii") for name, value in found if name.lower() == b"date"), ""))
        return body

    def _learn_time(self, date: str) -> None:
        """Take from an answer how far the backend's clock is ahead of ours; an empty or strange date says nothing."""
        if date:
            with contextlib.suppress(ValueError):
                self._ahead_s = email.utils.parsedate_to_datetime(date).timestamp() - self.clock.time()

    def _pause_s(self, failure: ApiError, attempt: int, *, idempotent: bool, retry: Retry) -> float | None:
        """How long to wait before the next attempt; None where there must be none."""
        if attempt + 1 >= retry.attempts:
            return None
        pause_s = retry.pause_s(attempt, self.clock.random())
        if isinstance(failure, RateLimitedError):
            return max(pause_s, failure.retry_after_s) if retry.when_refused else None
        transient = isinstance(failure, UnreachableError) or failure.status >= 500
        return pause_s if idempotent and transient else None


async def _whole(asked: Awaitable[httpx.Response], seconds: float) -> httpx.Response:
    """Wait for a whole answer; httpx's own limits are for each piece of it. Raises `httpx.ReadTimeout`."""
    try:
        return await within(asked, seconds)
    except asyncio.TimeoutError:
        raise httpx.ReadTimeout(f"no whole answer in {seconds:g} s") from None


def _is_loopback(backend: Backend) -> bool:
    url = httpx.URL(backend.api_url)
    return url.scheme == "http" and url.host in {"127.0.0.1", "localhost", "::1"}
