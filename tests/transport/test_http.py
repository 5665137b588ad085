from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from flash_jupyter.errors import ApiError, RateLimitedError, UnreachableError
from flash_jupyter.settings import Backend
from flash_jupyter.transport.http import ONCE, Clock, Http, Retry
from flash_jupyter.transport.refusals import nothing_was_sent

KEY = "rpa_0123456789abcdef"
BACKEND = Backend("runpod", "https://api.runpod.io", "https://api.runpod.ai/v2", KEY, "the test")
Answer = int | tuple[int, dict[str, str]] | type[httpx.TransportError]


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.sleeps = 0.0, list[float]()

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, sleep=self.sleep, random=lambda: 1.0)


def serve(answers: list[Answer]) -> Callable[[httpx.Request], httpx.Response]:
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, type):
            raise answer("broken", request=request)
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return httpx.Response(status, headers=headers, json={"error": f"told {KEY} to all"})

    return handle


def call(answers: list[Answer], clock: FakeClock, **options: Any) -> bytes:
    async def main() -> bytes:
        http = Http(BACKEND, transport=httpx.MockTransport(serve(answers)), clock=clock.clock())
        try:
            return await http.call("GET", "https://api.runpod.io/v2/serverless", **options)
        finally:
            await http.aclose()

    return asyncio.run(main())


RETRIED: list[tuple[str, list[Answer], dict[str, Any], list[float]]] = [
    ("a good answer comes at once", [200], {}, []),
    ("no connection, then one", [httpx.ConnectError, 200], {}, [0.25]),
    ("a cut answer of an idempotent call", [httpx.ReadError, 200], {}, [0.25]),
    ("pauses grow", [500, 502, 503, 200], {}, [0.25, 0.5, 1.0]),
    ("the server's own pause goes before", [(429, {"Retry-After": "7"}), 200], {}, [7.0]),
    ("or that of the full window", [(429, {"RateLimit": '"minute";r=0;t=9, "hour";r=5;t=99'}), 200], {}, [9.0]),
    ("429 says that nothing was done", [(429, {"Retry-After": "1"}), 200], {"idempotent": False}, [1.0]),
]


@pytest.mark.parametrize(("answers", "options", "sleeps"), [c[1:] for c in RETRIED], ids=[c[0] for c in RETRIED])
def test_calls_that_are_made_again(answers: list[Answer], options: dict[str, Any], sleeps: list[float]) -> None:
    clock = FakeClock()
    assert call(answers, clock, **options)
    assert clock.sleeps == sleeps


GIVEN_UP: list[tuple[str, list[Answer], dict[str, Any], list[float], type[ApiError]]] = [
    ("what may have had an effect", [httpx.ReadError], {"idempotent": False}, [], UnreachableError),
    ("a server error of such a call", [500], {"idempotent": False}, [], ApiError),
    ("a client error", [400], {}, [], ApiError),
    ("after so many attempts", [500] * 5, {}, [0.25, 0.5, 1.0, 2.0], ApiError),
    ("a pause beyond the deadline", [(429, {"Retry-After": "60"})], {}, [], RateLimitedError),
    ("when the deadline is near", [500] * 9, {"retry": Retry(attempts=9, deadline_s=1.0)}, [0.25, 0.5], ApiError),
    ("redirects are not followed with a key", [302], {}, [], ApiError),
]


@pytest.mark.parametrize(
    ("answers", "options", "sleeps", "error"), [c[1:] for c in GIVEN_UP], ids=[c[0] for c in GIVEN_UP]
)
def test_calls_that_are_given_up(
    answers: list[Answer], options: dict[str, Any], sleeps: list[float], error: type[ApiError]
) -> None:
    clock = FakeClock()
    with pytest.raises(ApiError) as caught:
        call(answers, clock, **options)
    assert type(caught.value) is error
    assert clock.sleeps == sleeps


def test_the_key_is_in_the_header_and_in_no_text() -> None:
    with pytest.raises(ApiError) as caught:
        call([400], FakeClock())
    assert str(caught.value) == (
        "GET /v2/serverless answered 400: told … to all\n  → this is a mistake of flash_jupyter; please report it"
    )
    assert KEY not in repr(caught.value.__dict__) + repr(BACKEND)


def test_nobody_answers() -> None:
    with pytest.raises(UnreachableError) as caught:
        call([httpx.ConnectError], FakeClock(), retry=Retry(attempts=1))
    assert str(caught.value) == (
        "no answer from api.runpod.io: broken\n  → check the connection, then run the cell again"
    )
    assert nothing_was_sent(caught.value)


def test_a_cut_answer_may_hide_an_effect() -> None:
    with pytest.raises(UnreachableError) as caught:
        call([httpx.ReadError], FakeClock(), idempotent=False)
    assert not nothing_was_sent(caught.value)


def test_jitter_takes_up_to_half_of_a_pause() -> None:
    assert Retry(first_s=1.0).pause_s(0, 0.0) == 0.5
    assert Retry(first_s=1.0).pause_s(0, 1.0) == 1.0


def test_the_backends_time_is_that_of_its_answers() -> None:
    async def main() -> list[str]:
        dates = ["Sun, 22 Nov 2026 12:00:00 GMT", "no date", ""]
        answers = serve([(200, {"Date": date} if date else {}) for date in dates])
        http = Http(BACKEND, transport=httpx.MockTransport(answers), clock=Clock(time=lambda: 60.0))
        seen = [http.server_now().isoformat()]
        for _ in dates:
            await http.call("GET", "https://api.runpod.io/v2/serverless")
            seen.append(http.server_now().isoformat())
        await http.aclose()
        return seen

    assert asyncio.run(main()) == ["1970-01-01T00:01:00+00:00", *["2026-11-22T12:00:00+00:00"] * 3]


class Dripping(httpx.AsyncBaseTransport):
    """A server that always says a little more."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
        return httpx.Response(200, stream=Drops())


class Drops(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("way", ["call", "exchange"])
def test_an_answer_that_never_ends_is_given_up(way: str) -> None:
    async def main() -> None:
        http = Http(BACKEND, transport=Dripping(), answer_s=0.2)
        url = "https://api.runpod.io/v2/serverless"
        try:
            if way == "call":
                await http.call("GET", url, retry=ONCE)
            else:
                await http.exchange("GET", url, content=None, timeout_s=0.2)
        finally:
            await http.aclose()

    with pytest.raises(UnreachableError, match=r"no whole answer in 0\.2 s") as gone:
        asyncio.run(asyncio.wait_for(main(), 30))
    assert not nothing_was_sent(gone.value)
