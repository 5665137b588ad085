from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from platform_app import BACKEND, Platform

from flash_jupyter.errors import OptionError
from flash_jupyter.session.endpoints import (
    EndpointView,
    Overview,
    describe_hardware,
    entries,
    list_endpoints,
    purge_queue,
    undeploy,
)
from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.records import JobRecord
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState
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


NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def view(**changes: Any) -> EndpointView:
    fields: dict[str, Any] = {
        "name": "trainer",
        "id": "ep1",
        "backend": "local",
        "hardware": "ADA_24",
        "workers": "0",
        "jobs": "0",
        "owner": "ann",
        "created_at": "2026-11-22T10:00:00Z",
        "expires_at": "2026-11-23T10:00:00Z",
    }
    return EndpointView(**fields | changes)


def job(number: int, state: JobState = JobState.COMPLETED, **changes: Any) -> JobRecord:
    fields: dict[str, Any] = {"backend": "local", "created_at": f"2026-11-22T11:0{number}:00.000Z"}
    return JobRecord(f"fj-{number}", state, **fields | {"endpoint_id": "ep1", "notebook": f"{number}.ipynb"} | changes)


def entry(one: EndpointView, *jobs: JobRecord) -> Any:
    (found,) = entries([one], jobs, owner="ann", now=NOW)
    return found


PAST = "2026-11-22T11:59:00Z"
WHOSE = [
    ("one with our label is ours", view(), [], "ours"),
    ("one of another owner", view(owner="bob"), [], "others"),
    ("one without a label", view(owner="", expires_at=""), [], "others"),
    ("an expired one is an orphan", view(expires_at=PAST), [], "orphan"),
    ("an expired one of another owner too", view(expires_at=PAST, owner="bob"), [], "orphan"),
    ("one that does not say whether it is used is none", view(expires_at=PAST, jobs=None), [], "ours"),
    ("nor one whose worker is busy", view(expires_at=PAST, state="running"), [], "ours"),
    ("not while it has a job", view(expires_at=PAST, jobs="1 running"), [], "ours"),
    ("nor while we know of an open one", view(expires_at=PAST), [job(1, JobState.IN_QUEUE)], "ours"),
    ("a job that has ended does not keep it", view(expires_at=PAST), [job(1)], "orphan"),
]


@pytest.mark.parametrize(("one", "jobs", "whose"), [c[1:] for c in WHOSE], ids=[c[0] for c in WHOSE])
def test_whose_it_is(one: EndpointView, jobs: list[JobRecord], whose: str) -> None:
    assert entry(one, *jobs).whose == whose


def test_the_notebook_is_that_of_the_newest_job() -> None:
    found = entry(view(), job(2), job(1), job(3, endpoint_id="other"))
    assert (found.notebook, found.last_job_at) == ("2.ipynb", "2026-11-22T11:02:00.000Z")
    assert entry(view()).notebook == ""


def test_an_overview_is_one_json_object() -> None:
    jobs = (job(1),)
    overview = Overview({"backend": "local"}, entries([view()], jobs, owner="ann", now=NOW), jobs, NOW).to_json()
    assert (overview["backend"], overview["at"]) == ("local", "2026-11-22T12:00:00+00:00")
    assert overview["endpoints"] == [
        {
            **view().to_json(),
            "whose": "ours",
            "notebook": "1.ipynb",
            "last_job_at": "2026-11-22T11:01:00.000Z",
        }
    ]
    assert overview["jobs"] == [job(1).to_json()]
