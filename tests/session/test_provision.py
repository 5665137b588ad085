from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from platform_app import BACKEND, Platform
from starlette.requests import Request
from starlette.responses import Response

from flash_jupyter.errors import (
    ApiError,
    AuthenticationError,
    NoStockError,
    NoWorkersError,
    OptionError,
    QuotaError,
    UnreachableError,
)
from flash_jupyter.resources.endpoint import EndpointSpec, create_body, endpoint_spec
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.provision import LOOKS_S, Provisioner
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http
from flash_jupyter.wire.control import Endpoint

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)


def spec_of(interpreter: str | None = None, **values: Any) -> EndpointSpec:
    return endpoint_spec(make_options(**values), owner="ann", interpreter=interpreter)


def run(
    platform: Platform,
    folder: Path,
    work: Callable[[Callable[[], Provisioner]], Awaitable[Any]],
    *,
    machines: int = 1,
    transport: httpx.AsyncBaseTransport | None = None,
    slept: Callable[[float], None] = lambda _seconds: None,
) -> Any:
    """Give `work` a maker of provisioners: each is a kernel of its own, on so many machines in turn."""

    async def sleep(seconds: float) -> None:
        slept(seconds)

    async def main() -> Any:
        https: list[Http] = []

        def kernel() -> Provisioner:
            locks = folder / f"machine-{len(https) % machines}" / "locks"
            https.append(Http(BACKEND, transport=transport or platform.transport()))
            return Provisioner(Control(https[-1]), locks, now=lambda: NOW, sleep=sleep)

        try:
            return await work(kernel)
        finally:
            for http in https:
                await http.aclose()

    return asyncio.run(main())


def ensure(platform: Platform, folder: Path, spec: EndpointSpec, **options: Any) -> tuple[str, list[str]]:
    said: list[str] = []

    async def work(kernel: Callable[[], Provisioner]) -> str:
        return (await kernel().ensure(spec, said.append)).id

    return run(platform, folder, work, **options), said


def test_it_is_made_once_and_remembered(tmp_path: Path) -> None:
    platform = Platform()

    async def work(kernel: Callable[[], Provisioner]) -> None:
        provisioner = kernel()
        assert provisioner.known(spec_of()) is None
        first = await provisioner.ensure(spec_of(), lambda _text: None)
        assert await provisioner.ensure(spec_of(), lambda _text: None) is first
        assert provisioner.known(spec_of()) is first

    run(platform, tmp_path, work)
    assert platform.calls == ["GET", "catalog", "POST", "GET"]


def test_a_second_kernel_finds_it(tmp_path: Path) -> None:
    platform = Platform()
    first, said = ensure(platform, tmp_path, spec_of())
    assert said == [f"making endpoint {spec_of().name}"]
    assert ensure(platform, tmp_path, spec_of()) == (first, [])
    assert len(platform.endpoints) == 1


def test_two_kernels_at_the_same_moment_make_one(tmp_path: Path) -> None:
    platform = Platform()

    async def work(kernel: Callable[[], Provisioner]) -> set[str]:
        made = await asyncio.gather(*(kernel().ensure(spec_of(), lambda _text: None) for _ in range(4)))
        return {endpoint.id for endpoint in made}

    assert len(run(platform, tmp_path, work)) == 1
    assert platform.calls.count("POST") == 1


def test_two_machines_at_the_same_moment_keep_the_oldest(tmp_path: Path) -> None:
    platform = Platform()

    class Racing(Platform):
        """While this client makes its endpoint, another machine's, which is older, appears."""

        def add(self, body: dict[str, Any], *, created_at: str | None = None) -> dict[str, Any]:
            if not self.endpoints:
                super().add(body, created_at="2025-01-01T00:00:00Z")
            return super().add(body, created_at=created_at)

    platform = Racing()
    chosen, _ = ensure(platform, tmp_path, spec_of())
    assert list(platform.endpoints) == [chosen]
    assert platform.endpoints[chosen]["createdAt"] == "2025-01-01T00:00:00Z"


def test_two_virtual_environments_get_two_endpoints_of_one_name(tmp_path: Path) -> None:
    platform = Platform()
    one, _ = ensure(platform, tmp_path, spec_of("/a/python", name="t"))
    other, _ = ensure(platform, tmp_path, spec_of("/b/python", name="t"))
    assert one != other
    assert ensure(platform, tmp_path, spec_of("/a/python", name="t"))[0] == one


def test_what_the_user_says_is_changed_and_the_rest_stays(tmp_path: Path) -> None:
    platform = Platform()
    made = platform.add(create_body(spec_of(name="t", workers=(0, 1), idle=7), now=NOW))
    assert ensure(platform, tmp_path, spec_of(name="t"))[1] == []
    assert ensure(platform, tmp_path, spec_of(name="t", workers=(1, 2)))[1] == ["changing workers of endpoint t"]
    assert platform.endpoints[made["id"]]["workers"] == {"min": 1, "max": 2, "idleTimeout": 7}


def test_an_endpoint_in_which_instances_live_keeps_one_worker_and_says_so(tmp_path: Path) -> None:
    platform = Platform()
    home, many = replace(spec_of(name="t", workers=(0, 1)), has_instances=True), spec_of(name="t", workers=(0, 9))
    made, _ = ensure(platform, tmp_path, home)
    said = ["endpoint t keeps one worker, because instances of a remote class live in it"]
    assert ensure(platform, tmp_path, many) == (made, said)
    assert ensure(platform, tmp_path, home) == (made, [])
    assert platform.endpoints[made]["workers"]["max"] == 1


def test_changing_forth_and_back_asks_each_time(tmp_path: Path) -> None:
    platform = Platform()
    few, many = spec_of(name="t", workers=(0, 1)), spec_of(name="t", workers=(0, 9))

    async def work(kernel: Callable[[], Provisioner]) -> list[int]:
        provisioner, most = kernel(), []
        for spec in (few, many, few):
            endpoint = await provisioner.ensure(spec, lambda _text: None)
            most.append(platform.endpoints[endpoint.id]["workers"]["max"])
        return most

    assert run(platform, tmp_path, work) == [1, 9, 1]


def test_an_endpoint_of_another_kind(tmp_path: Path) -> None:
    platform = Platform()
    platform.add(create_body(spec_of(name="t", cpu=("cpu3c-2-4",)), now=NOW))
    with pytest.raises(OptionError, match="endpoint t is a CPU endpoint"):
        ensure(platform, tmp_path, spec_of(name="t", gpu=("ADA_24",)))


def test_undeploy_reports_what_a_listing_no_longer_shows(tmp_path: Path) -> None:
    platform = Platform()

    async def work(kernel: Callable[[], Provisioner]) -> list[str]:
        provisioner = kernel()
        endpoint = await provisioner.ensure(spec_of(name="t"), lambda _text: None)
        gone = await provisioner.undeploy([endpoint])
        assert provisioner.known(spec_of(name="t")) is None
        return gone

    assert run(platform, tmp_path, work) == ["t"]
    assert platform.endpoints == {}


def undeploy(platform: Platform, folder: Path, *names: str, slept: Callable[[float], None] = lambda _s: None) -> Any:
    async def work(kernel: Callable[[], Provisioner]) -> list[str]:
        made = [platform.add(create_body(spec_of(name=name), now=NOW)) for name in names]
        platform.calls.clear()
        return await kernel().undeploy([Endpoint.model_validate(endpoint) for endpoint in made])

    return run(platform, folder, work, slept=slept)


def test_a_deletion_that_answers_500_then_404_is_reported_after_a_listing(tmp_path: Path) -> None:
    platform = Platform()
    platform.delete_answers = [-500]  # it worked; the second attempt finds nothing
    assert undeploy(platform, tmp_path, "t") == ["t"]
    assert platform.calls == ["DELETE", "DELETE", "GET"]


def test_a_deletion_that_only_answers_500_and_worked_is_reported(tmp_path: Path) -> None:
    platform = Platform()
    platform.delete_answers = [-500]

    class OnlyFailures(LostAnswers):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await self._inner.handle_async_request(request)
            return httpx.Response(500, request=request) if request.method == "DELETE" else response

    async def work(kernel: Callable[[], Provisioner]) -> list[str]:
        made = platform.add(create_body(spec_of(name="t"), now=NOW))
        return await kernel().undeploy([Endpoint.model_validate(made)])

    assert run(platform, tmp_path, work, transport=OnlyFailures(platform)) == ["t"]


def test_a_listing_that_lags_behind_is_asked_again(tmp_path: Path) -> None:
    platform, slept = Platform(), list[float]()
    platform.lag = 2
    assert undeploy(platform, tmp_path, "t", slept=slept.append) == ["t"]
    assert slept == list(LOOKS_S[:2])


def test_what_is_still_listed_is_an_error_that_says_what_went(tmp_path: Path) -> None:
    platform = Platform()
    platform.delete_answers = [204, 403]
    with pytest.raises(AuthenticationError) as caught:
        undeploy(platform, tmp_path, "goes", "stays")
    assert str(caught.value) == (
        "endpoint stays is still listed; deleted: goes:"
        " 403: the key from environment variable RUNPOD_API_KEY may not do this (answered 403)\n"
        "  → try again in a minute, or delete it in the console; a listed endpoint may go on to cost money"
    )


def test_a_deletion_that_is_taken_and_does_nothing_is_an_error(tmp_path: Path) -> None:
    platform = Platform()
    platform.lag = 99
    with pytest.raises(ApiError) as caught:
        undeploy(platform, tmp_path, "a", "b")
    assert caught.value.message == "endpoints a, b are still listed, though the platform took the deletion"


# --- two machines -------------------------------------------------------------------------------------------------


def test_machines_that_share_no_lock_end_with_one_endpoint_and_one_volume(tmp_path: Path) -> None:
    async def work(kernel: Callable[[], Provisioner]) -> set[str]:
        spec = spec_of(volume="models:50")
        made = await asyncio.gather(*(kernel().ensure(spec, lambda _text: None) for _ in range(4)))
        return {endpoint.id for endpoint in made}

    class Meeting(Platform):
        """None of four machines hears what is there before all have asked: so each makes something of its own."""

        def __init__(self) -> None:
            super().__init__()
            self._asked, self._all_have = 0, asyncio.Event()

        async def _collection(self, request: Request) -> Response:
            answer = await super()._collection(request)
            if request.method == "GET" and not self._all_have.is_set():
                self._asked += 1
                if self._asked == 4:
                    self._all_have.set()
                await asyncio.wait_for(self._all_have.wait(), 30)
            return answer

    platform = Meeting()
    (chosen,) = run(platform, tmp_path, work, machines=4)
    assert list(platform.endpoints) == [chosen]
    assert list(platform.volumes) == platform.endpoints[chosen]["networkVolumes"]
    assert platform.calls.count("POST") == 4


# --- a create that fails, and worked all the same --------------------------------------------------------------------


class LostAnswers(httpx.AsyncBaseTransport):
    """Delivers every request; the answers of POSTs are lost on their way."""

    def __init__(self, platform: Platform) -> None:
        self._inner = platform.transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if request.method == "POST":
            raise httpx.ReadError("cut", request=request)
        return response


def test_a_create_that_answers_500_and_worked_is_adopted(tmp_path: Path) -> None:
    platform = Platform()
    platform.create_answers = [-500]
    chosen, said = ensure(platform, tmp_path, spec_of(name="t"))
    assert list(platform.endpoints) == [chosen]
    assert said == [
        "making endpoint t",
        "the platform gave no good answer (500): looking whether the endpoint is there",
    ]


def test_a_create_whose_answer_is_lost_is_adopted(tmp_path: Path) -> None:
    platform = Platform()
    chosen, _ = ensure(platform, tmp_path, spec_of(name="t"), transport=LostAnswers(platform))
    assert list(platform.endpoints) == [chosen]
    assert platform.calls.count("POST") == 1


def test_an_endpoint_that_is_listed_late_is_still_found(tmp_path: Path) -> None:
    platform = Platform()
    platform.create_answers = [502]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            platform.add(create_body(spec_of(name="t"), now=NOW))

    chosen, _ = ensure(platform, tmp_path, spec_of(name="t"), slept=sleep)
    assert list(platform.endpoints) == [chosen]
    assert slept == list(LOOKS_S[:2])


def test_a_create_that_did_not_work_is_looked_for_and_not_repeated(tmp_path: Path) -> None:
    platform = Platform()
    platform.create_answers = [500]
    slept: list[float] = []
    with pytest.raises(ApiError, match="POST /v2/serverless answered 500: answered 500"):
        ensure(platform, tmp_path, spec_of(name="t"), slept=slept.append)
    assert (platform.endpoints, slept, platform.calls.count("POST")) == ({}, list(LOOKS_S), 1)


def test_a_create_that_never_reached_the_platform_is_not_looked_for(tmp_path: Path) -> None:
    platform = Platform()

    class NoWay(LostAnswers):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                raise httpx.ConnectError("refused", request=request)
            return await self._inner.handle_async_request(request)

    slept: list[float] = []
    with pytest.raises(UnreachableError):
        ensure(platform, tmp_path, spec_of(name="t"), transport=NoWay(platform), slept=slept.append)
    assert slept == []


# --- volumes ------------------------------------------------------------------------------------------------------


def test_a_volume_is_made_with_its_price_and_found_the_next_time(tmp_path: Path) -> None:
    platform = Platform()
    one, said = ensure(platform, tmp_path, spec_of(name="t", volume="models:50"))
    assert said == [
        "making network volume models: 50 GB in EU-RO-1, $3.50 a month until it is deleted",
        "making endpoint t",
    ]
    (volume,) = platform.volumes.values()
    assert (volume["name"], volume["size"], volume["dataCenter"]) == ("models", 50, "EU-RO-1")
    assert platform.endpoints[one]["networkVolumes"] == [volume["id"]]
    assert platform.endpoints[one]["dataCenterIds"] == ["EU-RO-1"]
    other, said = ensure(platform, tmp_path, spec_of(name="u", volume="models"))
    assert said == ["making endpoint u"]
    assert platform.endpoints[other]["networkVolumes"] == [volume["id"]]


def test_the_same_name_in_another_data_centre_is_another_volume(tmp_path: Path) -> None:
    platform = Platform()
    there = platform.add_volume(name="models", size=10, dataCenter="US-KS-2")
    made, _ = ensure(platform, tmp_path, spec_of(name="t", volume="models:10"))
    assert platform.endpoints[made]["networkVolumes"] != [there["id"]]
    moved, said = ensure(platform, tmp_path, spec_of(name="u", volume="models:10", datacenter="US-KS-2"))
    assert (platform.endpoints[moved]["networkVolumes"], said) == ([there["id"]], ["making endpoint u"])


def test_a_volume_that_is_smaller_than_said_is_used_as_it_is(tmp_path: Path) -> None:
    platform = Platform()
    platform.add_volume(name="models", size=10, dataCenter="EU-RO-1")
    _, said = ensure(platform, tmp_path, spec_of(name="t", volume="models:100"))
    assert said == ["network volume models has 10 GB, and is used as it is", "making endpoint t"]


def test_a_volume_is_not_left_behind_by_an_endpoint_that_is_refused(tmp_path: Path) -> None:
    platform = Platform()
    platform.create_answers = [400]
    with pytest.raises(ApiError, match="answered 400"):
        ensure(platform, tmp_path, spec_of(name="t", volume="models:50"))
    assert platform.volumes == {}
    assert platform.calls[-1] == "DELETE volume"


def test_a_volume_that_was_there_stays_when_an_endpoint_is_refused(tmp_path: Path) -> None:
    platform = Platform()
    platform.add_volume(name="models", size=50, dataCenter="EU-RO-1")
    platform.create_answers = [400]
    with pytest.raises(ApiError, match="answered 400"):
        ensure(platform, tmp_path, spec_of(name="t", volume="models:50"))
    assert len(platform.volumes) == 1


class OverGraphQL(httpx.AsyncBaseTransport):
    """The platform, where GraphQL makes endpoints (one vCPU): it refuses, or makes one that can't be read by its id."""

    def __init__(self, platform: Platform, *, refuses: str = "") -> None:
        self._platform, self._inner, self._refuses = platform, platform.transport(), refuses

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/graphql":
            unread = request.method == "GET" and "/serverless/ep" in request.url.path
            return httpx.Response(404, request=request) if unread else await self._inner.handle_async_request(request)
        if self._refuses:
            return httpx.Response(200, json={"errors": [{"message": self._refuses}]}, request=request)
        order = json.loads(await request.aread())["variables"]["input"]
        env = {each["key"]: each["value"] for each in order["template"]["env"]}
        volumes = [order["networkVolumeId"]] if "networkVolumeId" in order else []
        made = self._platform.add({"name": order["name"], "type": "QUEUE", "env": env, "networkVolumes": volumes})
        return httpx.Response(200, json={"data": {"saveEndpoint": made}}, request=request)


def test_a_volume_is_not_left_behind_by_one_that_graphql_refuses(tmp_path: Path) -> None:
    platform, slept = Platform(), list[float]()
    way = OverGraphQL(platform, refuses="Your worker concurrency cannot go beyond the maximum limit of (20).")
    small = spec_of(name="t", cpu=("cpu3c-1-2",), volume="models:50")
    with pytest.raises(QuotaError, match="nothing was made"):
        ensure(platform, tmp_path, small, transport=way, slept=slept.append)
    assert (platform.volumes, platform.endpoints, slept) == ({}, {}, [])


def test_what_graphql_made_and_can_not_be_read_is_found_by_listing(tmp_path: Path) -> None:
    platform = Platform()
    small = spec_of(name="t", cpu=("cpu3c-1-2",), volume="models:50")
    chosen, said = ensure(platform, tmp_path, small, transport=OverGraphQL(platform))
    assert list(platform.endpoints) == [chosen]
    assert list(platform.volumes) == platform.endpoints[chosen]["networkVolumes"]
    assert said[-1] == "the platform gave no good answer (cut): looking whether the endpoint is there"


def test_what_no_change_brings_is_said_before_a_volume_is_made(tmp_path: Path) -> None:
    platform = Platform()
    platform.add(create_body(spec_of(name="t", cpu=("cpu3c-2-4",)), now=NOW))
    with pytest.raises(OptionError, match="can't be changed to cpu3c-1-2"):
        ensure(platform, tmp_path, spec_of(name="t", cpu=("cpu3c-1-2",), volume="models:50"))
    assert platform.calls == ["GET"]


# --- stock ----------------------------------------------------------------------------------------------------------


def test_nothing_is_made_where_the_catalogue_lists_no_stock(tmp_path: Path) -> None:
    platform = Platform()
    platform.gpus = [{"id": "NVIDIA GeForce RTX 4090", "pool": "ADA_24", "availability": "NONE"}]
    with pytest.raises(NoStockError):
        ensure(platform, tmp_path, spec_of(gpu=("ADA_24",), volume="models:50"))
    assert platform.calls == ["GET", "catalog"]


def test_a_volume_by_its_id_is_looked_up_for_a_new_endpoint_only(tmp_path: Path) -> None:
    platform = Platform()
    there = platform.add_volume(name="models", size=10, dataCenter="US-KS-2")
    places = [{"id": "EU-RO-1", "availability": "HIGH"}]
    platform.gpus = [{"id": "NVIDIA GeForce RTX 4090", "pool": "ADA_24", "availability": "HIGH", "dataCenters": places}]
    spec = spec_of(name="t", gpu=("ADA_24",), volume=f"id:{there['id']}")
    with pytest.raises(NoStockError, match="no stock of ADA_24 in US-KS-2"):
        ensure(platform, tmp_path, spec)
    assert platform.calls == ["GET", "catalog", "GET volume"]
    places.append({"id": "US-KS-2", "availability": "LOW"})
    made, _ = ensure(platform, tmp_path, spec)
    assert platform.endpoints[made].get("dataCenterIds", []) == []
    platform.calls.clear()
    assert ensure(platform, tmp_path, spec) == (made, [])
    assert platform.calls == ["GET"]


def test_an_endpoint_that_exists_is_used_whatever_the_catalogue_says(tmp_path: Path) -> None:
    platform = Platform()
    platform.add(create_body(spec_of(name="t", gpu=("ADA_24",)), now=NOW))
    platform.gpus = [{"id": "NVIDIA GeForce RTX 4090", "pool": "ADA_24", "availability": "NONE"}]
    assert ensure(platform, tmp_path, spec_of(name="t", gpu=("ADA_24",)))[1] == []
    assert platform.calls == ["GET"]


def test_what_falls_back_is_said_and_the_order_stays(tmp_path: Path) -> None:
    platform = Platform()
    platform.gpus = [
        {"id": "NVIDIA GeForce RTX 4090", "pool": "ADA_24", "availability": "NONE"},
        {"id": "NVIDIA L4", "pool": "AMPERE_24", "availability": "HIGH", "price": {"serverless": 0.69}},
    ]
    made, said = ensure(platform, tmp_path, spec_of(name="t", gpu=("ADA_24", "AMPERE_24")))
    assert said == ["making endpoint t; no stock of ADA_24 now: workers will be AMPERE_24 ($0.69/h)"]
    assert platform.endpoints[made]["gpu"]["pools"] == ["ADA_24", "AMPERE_24"]


def test_an_endpoint_that_was_closed_is_refused_and_opened_by_saying_so(tmp_path: Path) -> None:
    platform = Platform()
    made = platform.add(create_body(spec_of(name="old"), now=NOW) | {"workers": {"min": 0, "max": 0}})
    with pytest.raises(NoWorkersError) as caught:
        ensure(platform, tmp_path, spec_of(name="old"))
    assert str(caught.value) == (
        "endpoint old may not have a worker: its workers.max is 0; nothing was sent\n"
        "  → allow some with workers=3, or choose another name="
    )
    assert ensure(platform, tmp_path, spec_of(name="old", workers=(0, 3)))[0] == made["id"]
