from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.errors import ApiError, UnreachableError
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Clock, Http
from flash_jupyter.transport.rest import Rest
from flash_jupyter.wire.control import EndpointList


def ask(handle: Any, *, clock: Clock | None = None) -> Any:
    async def main() -> Any:
        http = Http(BACKEND, transport=httpx.MockTransport(handle), clock=clock)
        try:
            return await Control(http).endpoints()
        finally:
            await http.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("<html>busy</html>", "body: invalid json"),
        ('{"other": []}', "endpoints: field required"),
        ('{"endpoints": [{"id": 1}]}', "endpoints.0.id: input should be a valid string"),
    ],
)
def test_an_answer_that_is_not_the_documents(body: str, what: str) -> None:
    with pytest.raises(ApiError) as caught:
        ask(lambda _request: httpx.Response(200, content=body))
    assert caught.value.message.startswith(f"the platform's answer is no EndpointList: {what}")
    assert caught.value.fix.startswith("this version of flash_jupyter may be too old")


class Slow(httpx.AsyncByteStream):
    """An answer whose bytes keep coming, and never end."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.001)


def test_an_answer_that_trickles_for_ever_ends_at_the_deadline() -> None:
    async def main() -> None:
        http = Http(BACKEND, transport=httpx.MockTransport(lambda _request: httpx.Response(200, stream=Slow())))
        try:
            await Rest(http, deadline_s=0.05).get(EndpointList, "serverless", query={"a": 1})
        finally:
            await http.aclose()

    with pytest.raises(UnreachableError) as caught:
        asyncio.run(main())
    assert caught.value.message == "GET http://runpod.test/v2/serverless took longer than 0.05 s"


def test_a_full_minute_is_waited_out() -> None:
    answers = [httpx.Response(429, headers={"Retry-After": "58"}), httpx.Response(200, json={"endpoints": []})]
    pauses = list[float]()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    clock = Clock(monotonic=lambda: 0.0, sleep=sleep, random=lambda: 1.0)
    assert ask(lambda _request: answers.pop(0), clock=clock) == ()
    assert pauses == [58.0]
