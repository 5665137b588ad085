"""A job that is opened again: its key goes to its own platform only, and nothing is lost for a wrong address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from platform_app import Platform

from flash_jupyter.errors import JobError, JobWasCancelled, RateLimitedError, ResultLost
from flash_jupyter.session.collect import UNPRICED
from flash_jupyter.session.events import Event, Measured, Notice
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.links import Links
from flash_jupyter.session.records import JobRecord, utc_now
from flash_jupyter.session.session import Session
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState

GPU = {"name": "trainer", "gpu": {"pools": ["ADA_24"], "count": 1}, "workers": {"max": 1, "idleTimeout": 5}}
CANCELLED = {"status": "CANCELLED", "workerId": "w1", "executionTime": 1500}
FAILED = {"status": "FAILED", "workerId": "w1", "executionTime": 1500, "error": "boom"}
#: where an endpoint takes jobs if nobody says otherwise, and where those of `Platform` do
DOCS, REAL = "api.runpod.ai", "runpod.test"
#: the URLs are of two platforms
UNPAIRED = {"api_url": "https://api.else.test"}
Open = Callable[..., Session]


class Hosts(httpx.AsyncBaseTransport):
    """A platform, whose endpoints are not where the docs say; remembers which host was asked."""

    def __init__(self, platform: Platform) -> None:
        self._inner, self.asked, self.is_busy, self.missing = platform.transport(), list[str](), False, DOCS
        self.free_after_status = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.host)
        if request.url.host == self.missing:
            return httpx.Response(404, json={"error": "endpoint not found"}, request=request)
        if self.is_busy and request.url.path.startswith("/v2/serverless"):
            return httpx.Response(429, headers={"Retry-After": "59"}, json={"detail": "busy"}, request=request)
        if self.free_after_status and "/status/" in request.url.path:
            self.is_busy = False
        return await self._inner.handle_async_request(request)


@pytest.fixture
def platform() -> Platform:
    made = Platform()
    made.add(GPU)
    made.statuses = [CANCELLED]
    return made


@pytest.fixture
def hosts(platform: Platform) -> Hosts:
    return Hosts(platform)


@pytest.fixture
def opened(hosts: Hosts, tmp_path: Path) -> Iterator[Open]:
    """Opens a session whose store has the job `fj-1` of a kernel that is gone."""
    sessions: list[Session] = []

    def open_one(endpoint_id: str | None = "ep1", **urls: Any) -> Session:
        settings = Settings(tmp_path, tmp_path, "ann", "runpod", api_key="key-0123456789", **urls)
        place: dict[str, Any] = {
            "platform_id": "job-u1",
            "endpoint_id": endpoint_id,
            "name": "trainer",
            "session": "elsewhere:1:2",
        }
        store = JobStore(settings.job_store)
        store.insert(JobRecord("fj-1", JobState.IN_QUEUE, "runpod", utc_now(), **place))
        store.close()
        sessions.append(Session(settings, links=Links(settings, transport=lambda _backend: hosts)))
        return sessions[-1]

    yield open_one
    for session in sessions:
        session.close()


def test_a_key_goes_to_no_address_of_another_platform(opened: Open, hosts: Hosts) -> None:
    assert opened(**UNPAIRED).cancel("fj-1").state is JobState.CANCELLED
    assert set(hosts.asked) == {"api.else.test", REAL}


def test_nor_does_that_of_an_attach_and_a_listing(opened: Open, hosts: Hosts, platform: Platform) -> None:
    session = opened(**UNPAIRED)
    platform.statuses = [{"status": "IN_PROGRESS"}, CANCELLED]
    session.refresh_jobs()
    assert session.job("fj-1").state is JobState.IN_PROGRESS
    with pytest.raises(JobWasCancelled):
        session.attach("fj-1", {}, print)
    assert set(hosts.asked) == {"api.else.test", REAL}


@pytest.mark.parametrize("urls", [{}, UNPAIRED], ids=["the docs' URLs", "other URLs"])
def test_a_deleted_endpoint_is_said_whoever_told_the_address(
    urls: dict[str, str], opened: Open, platform: Platform
) -> None:
    platform.endpoints.clear()
    session = opened(**urls)
    with pytest.raises(ResultLost, match="its endpoint trainer was deleted, and its results with it"):
        session.attach("fj-1", {}, print)
    assert session.job("fj-1").state.is_final


def test_where_nothing_is_found_at_the_docs_address_the_real_one_is_asked(opened: Open, hosts: Hosts) -> None:
    cancellation = opened().cancel("fj-1")
    assert cancellation.text == "cancelled from another program, worker stopped (billed 2 s, $0.0006)"
    assert hosts.asked[:3] == [DOCS, "api.runpod.io", REAL]
    assert hosts.asked.count(DOCS) == 1


def test_a_listing_finds_it_there_too(opened: Open, hosts: Hosts, platform: Platform) -> None:
    session = opened()
    platform.statuses = [{"status": "IN_PROGRESS"}]
    session.refresh_jobs()
    assert session.job("fj-1").state is JobState.IN_PROGRESS
    assert hosts.asked == [DOCS, "api.runpod.io", REAL]


def test_an_attach_that_has_asked_for_the_price_knows_the_address(opened: Open, hosts: Hosts) -> None:
    with pytest.raises(JobWasCancelled):
        opened().attach("fj-1", {}, print)
    assert DOCS not in hosts.asked


def test_who_cannot_ask_for_the_real_address_does_not_say_that_there_is_no_job(opened: Open, hosts: Hosts) -> None:
    hosts.is_busy = True
    session = opened()
    with pytest.raises(RateLimitedError):
        session.cancel("fj-1")
    assert not session.job("fj-1").state.is_final


def test_a_job_without_an_endpoint_is_asked_for_nowhere(opened: Open, hosts: Hosts) -> None:
    with pytest.raises(ResultLost, match="it is not written down to which endpoint job fj-1 went"):
        opened(endpoint_id=None).cancel("fj-1")
    assert hosts.asked == []


def test_a_cancel_without_a_price_says_why(opened: Open, hosts: Hosts, platform: Platform) -> None:
    hosts.is_busy, hosts.missing = True, ""
    platform.healths = {"ep1": {"jobs": {}, "workers": {"idle": 1}}}
    text = opened().cancel("fj-1").text
    assert text.endswith("no worker is busy (billed 2 s, price not known: the control plane did not tell it)")


def test_an_attach_without_a_price_says_why_and_where_it_will_be(
    opened: Open, hosts: Hosts, platform: Platform
) -> None:
    hosts.is_busy, hosts.missing = True, ""
    platform.statuses = [FAILED]
    session, told = opened(), list[Event]()
    with pytest.raises(JobError):
        session.attach("fj-1", {}, told.append)
    assert [event.text for event in told if isinstance(event, Notice)] == [UNPRICED]
    assert UNPRICED.startswith("price not known: the control plane, which takes 60 requests a minute, did not tell it")


def test_an_attach_asks_for_the_price_again_at_the_end(opened: Open, hosts: Hosts, platform: Platform) -> None:
    hosts.is_busy, hosts.missing, hosts.free_after_status = True, "", True
    platform.statuses = [FAILED]
    session, told = opened(), list[Event]()
    with pytest.raises(JobError):
        session.attach("fj-1", {}, told.append)
    assert [event.cost_usd for event in told if isinstance(event, Measured)] == [pytest.approx(0.0006, abs=0.0001)]
    assert not [event for event in told if isinstance(event, Notice)]


def test_an_attach_to_a_cancelled_job_says_once_that_its_price_is_not_known(opened: Open, hosts: Hosts) -> None:
    hosts.is_busy, hosts.missing = True, ""
    told: list[Event] = []
    with pytest.raises(JobWasCancelled, match="price not known"):
        opened().attach("fj-1", {}, told.append)
    assert not [event for event in told if isinstance(event, Notice)]
