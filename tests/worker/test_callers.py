"""A route tells a Python caller the whole failure, and anybody else one line of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from flash_jupyter.worker.api import create_app
from flash_jupyter.worker.callers import HEADER
from flash_jupyter.worker.current import current


async def refuse() -> None:
    raise ValueError("no tea")


async def waits() -> Any:
    job = current()
    return None if job is None else job.timeout_s


def ask(method: str, path: str, **more: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create_app({"POST /refuse": refuse, "GET /waits": waits}))
        async with httpx.AsyncClient(transport=transport, base_url="http://worker.test") as client:
            return await client.request(method, path, **more)

    return asyncio.run(send())


def test_anybody_gets_one_line() -> None:
    answer = ask("POST", "/refuse", json={})
    assert (answer.status_code, answer.json()) == (500, {"detail": "ValueError: no tea"})


def test_a_python_caller_gets_all_of_it() -> None:
    answer = ask("POST", "/refuse", json={}, headers={HEADER: ""})
    said = answer.json()
    assert (answer.status_code, said["detail"], said["report"]["type"]) == (500, "ValueError: no tea", "ValueError")
    assert {"traceback", "exception"} <= said.keys()


@pytest.mark.parametrize(("sent", "expected"), [({}, None), ({HEADER: "2.5"}, 2.5), ({HEADER: "soon"}, None)])
def test_how_long_a_caller_waits_is_known(sent: dict[str, str], expected: float | None) -> None:
    assert ask("GET", "/waits", headers=sent).json() == expected
