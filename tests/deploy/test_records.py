"""What is kept with a build beside its manifest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.build.manifest import make_manifest
from flash_jupyter.deploy.history import Past, read_past, with_past
from flash_jupyter.deploy.records import activate, check_build, keep, read_build, recorded_of
from flash_jupyter.deploy.undo import Journal
from flash_jupyter.errors import DeployError
from flash_jupyter.runtime.state import SETTLE_S, WRITES, Deployed, changed, read_endpoints
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Clock, Http
from flash_jupyter.wire.apps import App, Environment

TILL = Deployed("ep1", "https://host/v2/ep1")
PRICE = {"price": {"requests": [[{"input": {"n": 1}, "output": 2.5}]]}}
RATE = {"rate": {"why_not": "its call raised"}}
#: what says that a build stands in the environment `env`
STANDS = {"served": {"env": {"before": [], "stood": True}}}


class Build:
    """One build, as GraphQL answers; `meanwhile` is what others write between our writing and our looking again."""

    def __init__(self, manifest: dict[str, Any], *meanwhile: dict[str, Any]) -> None:
        self.manifest, self.meanwhile = manifest, list(meanwhile)
        self.writes, self.pauses = 0, list[float]()
        self.active: list[str] = []

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if seconds and self.meanwhile:
            self.manifest = self.meanwhile.pop(0)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)
        if "deployBuildToEnvironment" in sent["query"]:
            self.active.append(sent["variables"]["input"]["flashBuildId"])
            return httpx.Response(200, json={"data": {"deployBuildToEnvironment": {"id": "env", "name": "live"}}})
        if "updateFlashBuildManifest" in sent["query"]:
            self.manifest, self.writes = sent["variables"]["input"]["manifest"], self.writes + 1
            return httpx.Response(200, json={"data": {"updateFlashBuildManifest": {"id": "b", "manifest": {}}}})
        return httpx.Response(200, json={"data": {"flashBuild": {"id": "b", "manifest": self.manifest}}})

    def run(self, work: Callable[[Apps, Clock], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            clock = Clock(monotonic=lambda: sum(self.pauses), sleep=self._sleep, random=lambda: 0.0)
            http = Http(BACKEND, transport=httpx.MockTransport(self._answer), clock=clock)
            try:
                return await work(Apps(http), clock)
            finally:
                await http.aclose()

        return asyncio.run(main())

    def keep(self, recording: dict[str, Any]) -> None:
        self.run(lambda apps, clock: keep(apps, "b", "env", recording, clock))


def test_what_is_kept_stands_beside_the_map_and_the_build_is_still_the_same() -> None:
    manifest = make_manifest("shop", "3.12", {}, "0" * 64)
    build = Build(changed(manifest.model_dump(mode="json"), "env", "till", TILL))
    assert build.run(lambda apps, _: recorded_of(apps, "b")) == {}
    build.keep(PRICE)
    build.keep(RATE)
    assert build.run(lambda apps, _: recorded_of(apps, "b")) == {**PRICE, **RATE}
    assert read_endpoints(build.manifest, "env") == {"till": TILL}
    assert build.run(lambda apps, _: read_build(apps, "b")) == manifest


def test_what_is_kept_already_is_not_written() -> None:
    build = Build({"recorded": {**PRICE, **RATE}, **STANDS})
    build.keep(PRICE)
    assert (build.writes, build.pauses) == (0, [])


def test_a_write_that_began_with_an_older_reading_takes_nothing_away() -> None:
    older = changed({}, "env", "till", TILL)
    build = Build({}, older)
    build.keep(PRICE)
    assert build.manifest == {**older, "recorded": PRICE, **STANDS}
    assert (build.writes, build.pauses.count(SETTLE_S)) == (2, 2)


def test_another_s_write_of_another_function_that_took_ours_away_is_seen() -> None:
    build = Build({}, {"recorded": RATE})
    build.keep(PRICE)
    assert build.manifest == {"recorded": {**RATE, **PRICE}, **STANDS}


def test_what_another_keeps_later_stays_and_who_is_always_overtaken_gives_up() -> None:
    other = {"recorded": {"price": {"why_not": "asked a second time, it answered otherwise"}}, **STANDS}
    build = Build({}, other)
    build.keep(PRICE)
    assert (build.manifest, build.writes) == (other, 1)
    build = Build({}, *[{}] * WRITES)
    build.keep(PRICE)
    assert (build.manifest, build.writes) == ({}, WRITES)


def test_that_a_build_stands_is_written_again_where_another_s_older_reading_took_it_away() -> None:
    served = with_past({}, "env", Past(("a",)))
    build = Build(served, changed(served, "env", "till", TILL))
    build.keep({})
    assert read_past(build.manifest, "env") == Past(("a",), stood=True)
    assert read_endpoints(build.manifest, "env") == {"till": TILL}
    assert build.writes == 2


@pytest.mark.parametrize("stood", [False, True], ids=["it never stood there", "it stood there before"])
def test_a_build_that_is_taken_back_is_none_to_go_back_to_unless_it_stood_before(stood: bool) -> None:
    build = Build(with_past({}, "env" if stood else "other", Past(stood=True)))
    environment = Environment(id="env", name="live", activeBuildId="a")

    async def fail(apps: Apps, _: Clock) -> Past | None:
        journal = Journal()
        await activate(apps, "b", environment, {"till": TILL}, journal)
        past = read_past(await apps.manifest("b"), "env")
        assert past is not None
        assert (past.before[:1], past.stood) == (("a",), stood)
        assert "build a is active again" in await journal.take_back()
        return read_past(await apps.manifest("b"), "env")

    left = build.run(fail)
    assert (left is not None and left.stood) is stood
    assert build.active == ["b", "a"]
    assert ("other" in build.manifest["served"]) is not stood


@pytest.mark.parametrize(
    ("count", "fix"),
    [
        (0, "the app has none: send one (flash deploy send ENV --app-name shop)"),
        (2, "choose one of: b2, b1"),
        (7, "`flash app get shop` lists all 7; the newest are b7, b6, b5, b4, b3"),
    ],
    ids=["an app without builds", "a few", "more than can be read"],
)
def test_a_build_that_the_app_lacks_is_told_with_those_that_it_has(count: int, fix: str) -> None:
    builds = [{"id": f"b{n}", "createdAt": f"2026-11-22T12:00:0{n}Z"} for n in range(1, count + 1)]
    app = App.model_validate({"id": "a", "name": "shop", "flashBuilds": builds})
    with pytest.raises(DeployError) as raised:
        check_build(app, "b9")
    assert str(raised.value) == f"app shop has no build b9\n  → {fix}"
