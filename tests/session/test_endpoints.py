from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from platform_app import BACKEND, Platform

from flash_jupyter.errors import OptionError
from flash_jupyter.session.endpoints import describe_hardware, list_endpoints, purge_queue, undeploy
from flash_jupyter.session.links import Link, Links
from flash_jupyter.settings import Settings
from flash_jupyter.wire.control import Endpoint


def on(platform: Platform, folder: Path, work: Callable[[Link], Awaitable[Any]]) -> Any:
    settings = Settings(folder, folder, "ann", "local")
    links = Links(settings, open_local=lambda _settings: BACKEND, transport=lambda _backend: platform.transport())

    async def main() -> Any:
        try:
            return await work(links.open("local"))
        finally:
            await links.aclose()

    return asyncio.run(main())


def test_a_listing_is_one_control_call_and_a_health_call_each(tmp_path: Path) -> None:
    platform = Platform()
    platform.add({"name": "old", "gpu": {"pools": ["ADA_24"]}, "env": {"FLASH_JUPYTER_OWNER": "ann"}})
    platform.add({"name": "new", "cpu": [{"id": "cpu3c", "vcpuCount": 2}]})
    views = on(platform, tmp_path, list_endpoints)
    assert [(v.name, v.hardware, v.owner) for v in views] == [("old", "ADA_24", "ann"), ("new", "cpu3c 2 vCPU", "")]
    assert (views[0].workers, views[0].jobs) == ("1 throttled", "1 queued")
    assert platform.calls == ["GET", "health", "health"]
    assert views[0].to_json()["id"] == "ep1"


def test_a_load_balancer_has_no_queue_to_ask(tmp_path: Path) -> None:
    platform = Platform()
    platform.add({"name": "api", "type": "LOAD_BALANCER"})
    (view,) = on(platform, tmp_path, list_endpoints)
    assert (view.workers, view.jobs) == (None, None)


def test_undeploy_by_name_or_id(tmp_path: Path) -> None:
    platform = Platform()
    for name in ("twice", "twice", "kept", "other"):
        platform.add({"name": name})
    assert on(platform, tmp_path, lambda link: undeploy(link, "twice")) == ["twice", "twice"]
    assert on(platform, tmp_path, lambda link: undeploy(link, "ep4")) == ["other"]
    with pytest.raises(OptionError) as caught:
        on(platform, tmp_path, lambda link: undeploy(link, "twice"))
    assert str(caught.value) == "there is no endpoint twice\n  → choose one of: kept"


def test_a_queue_is_purged_and_a_load_balancer_has_none(tmp_path: Path) -> None:
    platform = Platform()
    platform.add({"name": "busy", "type": "QUEUE"})
    platform.add({"name": "api", "type": "LOAD_BALANCER"})
    assert on(platform, tmp_path, lambda link: purge_queue(link, "ep1")) == 2
    with pytest.raises(OptionError) as caught:
        on(platform, tmp_path, lambda link: purge_queue(link, "ep2"))
    assert str(caught.value) == "endpoint api has no queue\n  → only queue endpoints can be purged"


def test_a_long_list_of_pools_is_shortened() -> None:
    endpoint = Endpoint(id="e", name="n", gpu={"pools": ["A", "B", "C", "D", "E"], "count": 1})
    assert describe_hardware(endpoint) == "A, B, C and 2 more"
