from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from contract import Replay, example

from flash_jupyter.errors import (
    ApiError,
    AuthenticationError,
    NotAllowedError,
    NotFoundError,
    OutOfMoneyError,
    QuotaError,
)
from flash_jupyter.settings import Backend
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http

BACKEND = Backend("runpod", "https://api.runpod.io", "https://api.runpod.ai/v2", "$KEY", "RUNPOD_API_KEY in .env")
EP = "4m7x2k9q"


def ask(call: Callable[[Control], Awaitable[Any]], *names: str) -> tuple[Any, Replay]:
    async def main() -> Any:
        http = Http(BACKEND, transport=replay)
        try:
            return await call(Control(http))
        finally:
            await http.aclose()

    replay = Replay(*names)
    return asyncio.run(main()), replay


def test_list_get_workers() -> None:
    assert ask(lambda c: c.endpoints(), "control-list")[0][0].id == EP
    assert ask(lambda c: c.get(EP), "control-get")[0].name == "image-generator"
    assert ask(lambda c: c.workers(EP), "control-workers")[0][0].id == "8g3n5t6r"


@pytest.mark.parametrize("name", ["control-create-gpu", "control-create-cpu"])
def test_create_sends_the_body_as_it_is(name: str) -> None:
    body = example(name)["request"]["body"]
    made, replay = ask(lambda c: c.create(body), name)
    assert json.loads(replay.requests[0].content) == body
    assert made.id == example(name)["response"]["body"]["id"]


def test_patch_and_delete() -> None:
    body = example("control-patch")["request"]["body"]
    endpoint_id = example("control-patch")["request"]["path"].split("/")[-1]
    _, replay = ask(lambda c: c.patch(endpoint_id, body), "control-patch")
    assert json.loads(replay.requests[0].content) == body
    assert ask(lambda c: c.delete(EP), "control-delete")[0] is None


def test_an_endpoint_that_is_gone() -> None:
    endpoint_id = example("control-error-404")["request"]["path"].split("/")[-1]
    with pytest.raises(NotFoundError) as caught:
        ask(lambda c: c.get(endpoint_id), "control-error-404")
    detail = example("control-error-404")["response"]["body"]["detail"]
    assert str(caught.value) == f"GET /v2/serverless/{endpoint_id} answered 404: {detail}"


def test_a_refused_key_is_named_by_its_origin() -> None:
    with pytest.raises(AuthenticationError) as caught:
        ask(lambda c: c.endpoints(), "control-error-401")
    assert str(caught.value) == (
        "401: the key from RUNPOD_API_KEY in .env was refused (missing bearer token)\n"
        "  → set a valid RUNPOD_API_KEY, or use backend=local, which needs none"
    )


@pytest.mark.parametrize("name", ["control-error-400", "control-error-422"])
def test_what_the_platform_refuses_is_not_sent_again(name: str) -> None:
    recorded = example(name)
    with pytest.raises(ApiError) as caught:
        ask(lambda c: c.create(recorded["request"]["body"]), name)
    assert caught.value.status == recorded["response"]["status"]
    assert recorded["response"]["body"]["detail"] in caught.value.detail


REFUSALS: list[tuple[str, int, str, type[ApiError], str]] = [
    (
        "no money",
        402,
        "insufficient balance",
        OutOfMoneyError,
        (
            "402: the account's balance is too low (insufficient balance)\n"
            "  → add credit in the Runpod console, then run it again; backend=local costs nothing"
        ),
    ),
    (
        "a pool that the account may not have",
        403,
        "access denied",
        NotAllowedError,
        (
            "403: the key from RUNPOD_API_KEY in .env may not do this (access denied)\n"
            "  → use a key that may; where a GPU is refused, other hardware; or backend=local, which needs no key"
        ),
    ),
    (
        "more workers than the account may have",
        400,
        "Your worker concurrency cannot go beyond the maximum limit of (20).",
        QuotaError,
        (
            "the account has no workers left for endpoint trainer (Your worker concurrency cannot go beyond the maximum limit"
            " of (20).); nothing was made\n"
            "  → ask for fewer (workers=1), or delete an endpoint: %flash endpoints, %flash undeploy NAME"
        ),
    ),
    (
        "any other mistake",
        400,
        "image is required",
        ApiError,
        (
            "POST /v2/serverless answered 400: image is required\n"
            "  → this is a mistake of flash_jupyter; please report it"
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("status", "detail", "kind", "text"), [c[1:] for c in REFUSALS], ids=[c[0] for c in REFUSALS])
def test_why_an_endpoint_is_not_made(status: int, detail: str, kind: type[ApiError], text: str) -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json={"title": "no", "status": status, "detail": detail})

    async def main() -> None:
        http = Http(BACKEND, transport=httpx.MockTransport(refuse))
        try:
            await Control(http).create({"name": "trainer"})
        finally:
            await http.aclose()

    with pytest.raises(ApiError) as caught:
        asyncio.run(main())
    assert (type(caught.value), str(caught.value), caught.value.status) == (kind, text, status)


def test_a_change_beyond_the_quota() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"detail": "exceeds your workers quota"})

    async def main() -> None:
        http = Http(BACKEND, transport=httpx.MockTransport(refuse))
        try:
            await Control(http).patch(EP, {"workers": {"max": 50}})
        finally:
            await http.aclose()

    with pytest.raises(QuotaError, match="nothing was changed"):
        asyncio.run(main())
