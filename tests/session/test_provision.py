from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from platform_app import BACKEND, Platform

from flash_jupyter.errors import OptionError
from flash_jupyter.resources.endpoint import EndpointSpec, create_body, endpoint_spec
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.provision import Provisioner
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)


def spec_of(interpreter: str | None = None, **values: Any) -> EndpointSpec:
    return endpoint_spec(make_options(**values), owner="ann", interpreter=interpreter)


def run(platform: Platform, folder: Path, work: Callable[[Callable[[], Provisioner]], Awaitable[Any]]) -> Any:
    """Give `work` a maker of provisioners: each is a kernel of its own, on the same machine."""

    async def main() -> Any:
        https: list[Http] = []

        def kernel() -> Provisioner:
            https.append(Http(BACKEND, transport=platform.transport()))
            return Provisioner(Control(https[-1]), folder / "locks", now=lambda: NOW)

        try:
            return await work(kernel)
        finally:
            for http in https:
                await http.aclose()

    return asyncio.run(main())


def ensure(platform: Platform, folder: Path, spec: EndpointSpec) -> tuple[str, list[str]]:
    said: list[str] = []

    async def work(kernel: Callable[[], Provisioner]) -> str:
        return (await kernel().ensure(spec, said.append)).id

    return run(platform, folder, work), said


def test_it_is_made_once_and_remembered(tmp_path: Path) -> None:
    platform = Platform()

    async def work(kernel: Callable[[], Provisioner]) -> None:
        provisioner = kernel()
        assert provisioner.known(spec_of()) is None
        first = await provisioner.ensure(spec_of(), lambda _text: None)
        assert await provisioner.ensure(spec_of(), lambda _text: None) is first
        assert provisioner.known(spec_of()) is first

    run(platform, tmp_path, work)
    assert platform.calls == ["GET", "POST", "GET"]


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
