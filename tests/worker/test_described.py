"""`Endpoint(...)` on a worker of a deployed bundle; as a decorator it is tried in `tests/build/test_shipped.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from flash_jupyter.errors import FlashError
from flash_jupyter.worker.described import Endpoint

CLIENTS: list[Any] = [Endpoint(id="x"), Endpoint("vllm", image="a/b")]


@pytest.mark.parametrize("client", CLIENTS, ids=["by its id", "of an image"])
def test_a_client_says_that_a_worker_has_no_key(client: Endpoint) -> None:
    asks: list[Callable[[], Any]] = [
        lambda: client.get("/x"),
        lambda: asyncio.run(client.run({})),
        lambda: asyncio.run(client.cancel("j")),
    ]
    for ask in asks:
        with pytest.raises(FlashError) as caught:
            ask()
        assert str(caught.value) == (
            "Endpoint(id=...) and Endpoint(image=...) need a key, which a deployed worker has not\n"
            "  → ask the endpoint over HTTP, with a restricted key that is stored as a Runpod secret"
        )


def test_what_was_said_is_there() -> None:
    api = Endpoint("shop", cpu="cpu3c-1-2", workers=(1, 3))
    assert (api.name, vars(api)["workers"], Endpoint(name="adder").name, Endpoint().name) == (
        *("shop", (1, 3), "adder", None),
    )
