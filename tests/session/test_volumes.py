from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from platform_app import BACKEND, Platform

from flash_jupyter.errors import ApiError, OptionError
from flash_jupyter.resources.endpoint import EndpointSpec, endpoint_spec
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.session import CellRequest, Session
from flash_jupyter.session.volumes import delete_volume, list_volumes, resolve_volumes
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http


def on(
    platform: Platform,
    work: Callable[[Control], Awaitable[Any]],
    transport: httpx.AsyncBaseTransport | None = None,
) -> Any:
    async def main() -> Any:
        http = Http(BACKEND, transport=transport or platform.transport())
        try:
            return await work(Control(http))
        finally:
            await http.aclose()

    return asyncio.run(main())


@pytest.fixture
def platform() -> Platform:
    platform = Platform()
    platform.add_volume(name="models", size=2000, dataCenter="EU-RO-1")
    platform.add_volume(name="data", size=100, dataCenter="US-KS-2")
    platform.add_volume(name="data", size=10, dataCenter="EU-RO-1")
    return platform


def spec_of(volume: str) -> EndpointSpec:
    return endpoint_spec(make_options(volume=volume), owner="ann")


def test_a_listing_says_what_each_costs(platform: Platform) -> None:
    views = on(platform, list_volumes)
    assert [(v.name, v.data_center, v.usd_per_month) for v in views] == [
        ("data", "EU-RO-1", 0.7),
        ("data", "US-KS-2", 7.0),
        ("models", "EU-RO-1", 120.0),
    ]
    assert views[2].to_json() == {
        "name": "models",
        "id": "vol1",
        "size_gb": 2000,
        "data_center": "EU-RO-1",
        "usd_per_month": 120.0,
        "used_by": (),
    }


def test_a_listing_names_the_endpoints_that_use_a_volume(platform: Platform) -> None:
    for name in ("trainer", "embedder"):
        platform.add({"name": name, "networkVolumes": ["vol1"]})
    platform.add({"name": "other"})
    assert [view.used_by for view in on(platform, list_volumes)] == [(), (), ("embedder", "trainer")]


def test_a_volume_of_the_local_runpod_costs_nothing(platform: Platform) -> None:
    views = on(platform, lambda control: list_volumes(control, is_billed=False))
    assert {view.usd_per_month for view in views} == {None}


IN_USE = [
    (
        ["trainer"],
        "endpoint trainer uses it\n  → undeploy it first: %flash undeploy trainer",
    ),
    (
        ["trainer", "embedder"],
        "endpoints embedder, trainer use it\n  → undeploy them first: %flash undeploy embedder",
    ),
]


@pytest.mark.parametrize(("users", "text"), IN_USE, ids=["one endpoint", "two endpoints"])
def test_a_volume_in_use_is_not_deleted(platform: Platform, users: list[str], text: str) -> None:
    for name in users:
        platform.add({"name": name, "networkVolumes": ["vol1"]})
    with pytest.raises(OptionError) as caught:
        on(platform, lambda control: delete_volume(control, "models"))
    assert str(caught.value) == f"network volume models was not deleted: {text}"
    assert "vol1" in platform.volumes


def test_one_is_deleted_by_name_or_id(platform: Platform) -> None:
    assert on(platform, lambda control: delete_volume(control, "models")) == "vol1"
    assert on(platform, lambda control: delete_volume(control, "vol3")) == "vol3"
    assert list(platform.volumes) == ["vol2"]


REFUSED = [
    ("nobody", "there is no network volume nobody\n  → choose one of: data, models"),
    ("data", "there are 2 network volumes data\n  → give the id: vol2 (US-KS-2), vol3 (EU-RO-1)"),
]


@pytest.mark.parametrize(("name", "text"), REFUSED)
def test_a_name_that_does_not_say_which(platform: Platform, name: str, text: str) -> None:
    with pytest.raises(OptionError) as caught:
        on(platform, lambda control: delete_volume(control, name))
    assert str(caught.value) == text


def test_a_volume_that_is_still_listed_is_not_called_deleted(platform: Platform) -> None:
    class Deaf(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "DELETE":
                return httpx.Response(204, request=request)
            return await platform.transport().handle_async_request(request)

    with pytest.raises(ApiError) as caught:
        on(platform, lambda control: delete_volume(control, "models"), Deaf())
    assert str(caught.value) == ("network volume models is still listed\n  → try again, or delete it in the console")


def test_where_nothing_is_billed_no_price_is_said(platform: Platform) -> None:
    said: list[str] = []
    on(platform, lambda control: resolve_volumes(control.volumes, spec_of("new:20"), said.append, is_billed=False))
    assert said == ["making network volume new: 20 GB in EU-RO-1"]


def test_an_id_needs_no_request(platform: Platform) -> None:
    resolved = on(platform, lambda control: resolve_volumes(control.volumes, spec_of("id:vol2"), print, is_billed=True))
    assert (resolved.spec.volumes[0].id, resolved.made, platform.calls) == ("vol2", (), [])


def test_a_volume_whose_answer_is_lost_is_found_and_not_made_twice(platform: Platform) -> None:
    class Lost(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await platform.transport().handle_async_request(request)
            if request.method == "POST":
                raise httpx.ReadError("cut", request=request)
            return response

    def work(control: Control) -> Awaitable[Any]:
        return resolve_volumes(control.volumes, spec_of("new:20"), lambda _text: None, is_billed=True)

    resolved = on(platform, work, Lost())
    assert (resolved.spec.volumes[0].id, resolved.made) == ("vol4", ("vol4",))
    assert platform.calls.count("POST volume") == 1


def test_a_session_lists_and_deletes_what_a_cell_made(kernel: Callable[[], Session]) -> None:
    session = kernel()
    options = make_options(cpu=("cpu3c-2-4",), name="with-volume", volume="of-a-cell:10")
    session.run_cell(CellRequest("1", {}, options), lambda _event: None)
    (view,) = [view for view in session.volumes() if view.name == "of-a-cell"]
    assert (view.size_gb, view.data_center, view.usd_per_month) == (10, "EU-RO-1", None)
    assert view.used_by == ("with-volume",)
    with pytest.raises(OptionError, match="was not deleted: endpoint with-volume uses it"):
        session.delete_volume("of-a-cell")
    session.undeploy("with-volume")
    assert session.delete_volume("of-a-cell") == view.id
    assert view.id not in {left.id for left in session.volumes()}
