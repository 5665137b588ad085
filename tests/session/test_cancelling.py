"""Whether a cancelled job's worker stopped: from what the platform says, also where it takes no more questions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from platform_app import BACKEND, Platform

from flash_jupyter.session.cancelling import Cancellation, Stop, see_stop
from flash_jupyter.session.links import Links
from flash_jupyter.session.provision import request_urls
from flash_jupyter.settings import Settings
from flash_jupyter.transport.queue import Queue
from flash_jupyter.wire.control import Endpoint

WORKER = {"id": "w1", "status": "RUNNING"}


def seen(platform: Platform, settings: Settings) -> Stop:
    """Look for the worker `w1` of the platform's first endpoint, whose log has come to its end."""
    endpoint = Endpoint.model_validate(platform.endpoints["ep1"])

    async def look() -> Stop:
        links = Links(settings, open_local=lambda _: BACKEND, transport=lambda _: platform.transport())
        link = links.open("local")
        link.streams._ended["w1"].set()
        try:
            return await see_stop(link, Queue(link.http, request_urls(endpoint)), "ep1", "w1")
        finally:
            await links.aclose()

    return asyncio.run(look())


SEEN: list[tuple[str, list[dict[str, Any]] | None, dict[str, Any] | None, Stop]] = [
    ("a worker that is not listed has stopped", [], None, Stop.GONE),
    ("one that is idle is free", [WORKER | {"status": "IDLE"}], None, Stop.FREE),
    ("where the list is refused, no busy worker is enough", None, {"workers": {"idle": 1}}, Stop.QUIET),
    ("and where there is none at all, it has stopped", None, {"workers": {"running": 0}}, Stop.GONE),
]


@pytest.mark.parametrize(("_what", "workers", "health", "stop"), SEEN, ids=[row[0] for row in SEEN])
def test_what_became_of_the_worker(
    _what: str,
    workers: list[dict[str, Any]] | None,
    health: dict[str, Any] | None,
    stop: Stop,
    local_settings: Settings,
) -> None:
    platform = Platform()
    platform.add({"name": "trainer", "type": "QUEUE"})
    platform.workers["ep1"], platform.healths["ep1"] = workers, health
    assert seen(platform, local_settings) is stop


@pytest.mark.parametrize("workers", [[WORKER], None], ids=["it is listed as busy", "nothing is to be heard"])
def test_what_is_not_seen_to_stop_counts_as_busy(
    workers: list[dict[str, Any]] | None, local_settings: Settings
) -> None:
    platform = Platform()
    platform.add({"name": "trainer", "type": "QUEUE"})
    platform.workers["ep1"], platform.healths["ep1"] = workers, None
    assert seen(platform, local_settings) is Stop.BUSY
    assert platform.calls.count("workers") == 4  # a refusal is not waited for: each look is one request


TEXTS = [
    (Stop.GONE, "cancelled, worker stopped (ran 2 s)"),
    (Stop.FREE, "cancelled, worker free again (ran 2 s)"),
    (Stop.QUIET, "cancelled, no worker is busy (ran 2 s)"),
    (Stop.UNASKED, "cancelled (ran 2 s)"),
    (
        Stop.BUSY,
        (
            "cancelled, but it is not confirmed that worker w1 stopped (ran 2 s so far); "
            "%flash undeploy trainer ends its endpoint with all workers"
        ),
    ),
]


@pytest.mark.parametrize(("stop", "text"), TEXTS, ids=[stop.name for stop, _ in TEXTS])
def test_what_a_cancelled_cell_says(stop: Stop, text: str) -> None:
    assert Cancellation("fj-1", stop=stop, worker_id="w1", endpoint="trainer", ran_s=1.5).text == text
