"""What is kept with a build beside its manifest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.build.manifest import make_manifest
from flash_jupyter.deploy.history import Past, before, builds_before, doubt, has_stood, read_past, way_back, with_past
from flash_jupyter.deploy.records import (
    activate,
    check_build,
    keep,
    known_to_vary,
    read_build,
    recorded_of,
    stand,
)
from flash_jupyter.deploy.replay import OTHERWISE
from flash_jupyter.deploy.site import Site
from flash_jupyter.deploy.undo import Journal
from flash_jupyter.errors import DeployError
from flash_jupyter.runtime.state import SETTLE_S, WRITES, Deployed, changed, read_endpoints
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Clock, Http
from flash_jupyter.wire.apps import App, Environment

TILL = Deployed("ep1", "https://host/v2/ep1")
PRICE = {"price": {"requests": [[{"input": {"n": 1}, "output": 2.5}]]}}
RATE = {"rate": {"why_not": "its call raised"}}
APP = App.model_validate(
    {
        "id": "shop",
        "name": "shop",
        "flashBuilds": [
            {"id": name, "createdAt": f"2026-11-22T12:00:0{n}Z"} for n, name in enumerate(["a1", "a2", "a", "b"])
        ],
    }
)
LIVE = Site(APP, Environment(id="env", name="live", activeBuildId="a"))
ENV_B = Environment(id="env", name="live", activeBuildId="b")


class Build:
    """One build, as GraphQL answers; `meanwhile` is what others write between our writing and our looking again."""

    def __init__(self, manifest: dict[str, Any], *meanwhile: dict[str, Any]) -> None:
        self.manifest, self.meanwhile = manifest, list(meanwhile)
        self.writes, self.pauses = 0, list[float]()
        self.runs: str | None = "a"
        self.active: list[str] = []
        #: manifests of other builds; what is not there is not found
        self.others: dict[str, dict[str, Any]] = {}

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if seconds and self.meanwhile:
            self.manifest = self.meanwhile.pop(0)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)
        if "deployBuildToEnvironment" in sent["query"]:
            self.runs = sent["variables"]["input"]["flashBuildId"]
            self.active.append(self.runs)
            return httpx.Response(200, json={"data": {"deployBuildToEnvironment": {"id": "env", "name": "live"}}})
        if "updateFlashBuildManifest" in sent["query"]:
            self.manifest, self.writes = sent["variables"]["input"]["manifest"], self.writes + 1
            return httpx.Response(200, json={"data": {"updateFlashBuildManifest": {"id": "b", "manifest": {}}}})
        if "flashEnvironment(" in sent["query"]:
            stage = {"id": "env", "name": "live", "activeBuildId": self.runs}
            return httpx.Response(200, json={"data": {"flashEnvironment": stage}})
        asked = sent["variables"]["input"]
        manifest = self.manifest if asked == "b" else self.others.get(asked)
        found = None if manifest is None else {"id": asked, "manifest": manifest}
        return httpx.Response(200, json={"data": {"flashBuild": found}})

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
        self.run(lambda apps, clock: keep(apps, "b", recording, clock))

    def stand(self, past: Past | None, *, is_verified: bool = True) -> Past | None:
        self.run(lambda apps, clock: stand(apps, "b", "env", past, clock, is_verified=is_verified))
        return read_past(self.manifest, "env")


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
    build = Build({"recorded": {**PRICE, **RATE}})
    build.keep(PRICE)
    assert (build.writes, build.pauses) == (0, [])


def test_a_write_that_began_with_an_older_reading_takes_nothing_away() -> None:
    older = changed({}, "env", "till", TILL)
    build = Build({}, older)
    build.keep(PRICE)
    assert build.manifest == {**older, "recorded": PRICE}
    assert (build.writes, build.pauses.count(SETTLE_S)) == (2, 2)


def test_another_s_write_of_another_function_that_took_ours_away_is_seen() -> None:
    build = Build({}, {"recorded": RATE})
    build.keep(PRICE)
    assert build.manifest == {"recorded": {**RATE, **PRICE}}


def test_what_another_keeps_later_stays_and_who_is_always_overtaken_gives_up() -> None:
    other = {"recorded": {"price": {"why_not": "asked a second time, it answered otherwise"}}}
    build = Build({}, other)
    build.keep(PRICE)
    assert (build.manifest, build.writes) == (other, 1)
    build = Build({}, *[{}] * WRITES)
    build.keep(PRICE)
    assert (build.manifest, build.writes) == ({}, WRITES)


def test_that_a_build_stands_is_written_again_with_what_was_before_where_another_s_older_reading_took_it_away() -> None:
    lost = changed({}, "env", "till", TILL)
    build = Build(with_past({}, "env", Past(("a",))), lost)
    assert build.stand(Past(("a",))) == Past(("a",), stood=True)
    assert read_endpoints(build.manifest, "env") == {"till": TILL}
    assert build.writes == 2

    build = Build(lost)
    assert build.stand(Past(("a",))) == Past(("a",), stood=True), "it was lost before that"
    build = Build(with_past({}, "env", Past(("c",))))
    assert build.stand(None) == Past(("c",), stood=True), "another deploy of ours has brought it there"


def test_a_build_of_which_nothing_was_verified_has_served_and_is_gone_back_to_in_plain_words() -> None:
    build = Build({})

    def send(*, is_verified: bool) -> tuple[bool, str]:
        past = build.run(lambda apps, _: activate(apps, "b", LIVE, {"till": TILL}, Journal()))
        build.runs = "a"  # what it is sent over, each time
        stood = build.stand(past, is_verified=is_verified)
        assert stood is not None
        assert before("d", "b", stood, is_way_back=False) == ("b", "a"), "it served: what comes next goes back to it"
        assert build.run(lambda apps, _: doubt(apps, "b", LIVE.environment)) == ""
        return stood.unverified, build.run(lambda apps, _: way_back(apps, "b", LIVE.environment))

    never = "back to build b, which was never verified in live"
    assert send(is_verified=False) == (True, never)
    assert send(is_verified=False) == (True, never)
    assert send(is_verified=True) == (False, "back to build b")
    assert send(is_verified=False) == (False, "back to build b"), "it was verified once, and is the same build"


def test_who_can_never_write_that_a_build_stands_says_so() -> None:
    with pytest.raises(DeployError, match="overwritten"):
        Build({}, *[{}] * WRITES * 2).stand(Past(("a",)))


@pytest.mark.parametrize("once", [False, True], ids=["it never stood there", "it stood there before"])
def test_a_build_whose_deploy_is_cut_off_is_none_to_go_back_to_though_it_stood_once(once: bool) -> None:
    build = Build(with_past({}, "env" if once else "other", Past(stood=True)))

    async def fail(apps: Apps, _: Clock) -> Past | None:
        journal = Journal()
        past = await activate(apps, "b", LIVE, {"till": TILL}, journal)
        assert past == Past(("a",), stood=False, once=once) == read_past(await apps.manifest("b"), "env")
        assert before("d", "b", past, is_way_back=False) == ("a",)
        assert "build a is active again" in await journal.take_back()
        return read_past(await apps.manifest("b"), "env")

    left = build.run(fail)
    assert (left is not None and left.once) is once
    assert build.active == ["b", "a"]
    assert has_stood(build.manifest, "env") is once
    assert ("other" in build.manifest["served"]) is not once


def test_a_deploy_stops_where_another_was_quicker_and_takes_nothing_back_that_is_another_s() -> None:
    build, journal = Build({"checksum": "1"}), Journal()
    build.others = {"a": {}, "c": {"checksum": "2"}}
    build.runs = "c"
    with pytest.raises(DeployError) as quicker:
        build.run(lambda apps, _: activate(apps, "b", LIVE, {"till": TILL}, journal))
    assert str(quicker.value) == (
        "another deploy was quicker: live of shop runs build c now\n"
        "  → look at what it runs (flash deploy info), then do the same again"
    )
    assert (build.writes, build.active, journal.done) == (0, [], [])

    build.others["c"] = with_past({"checksum": "1"}, "env", Past(("a",)))
    past = build.run(lambda apps, _: activate(apps, "b", LIVE, {"till": TILL}, Journal()))
    assert past == Past(("a",)), "the other sent the same"

    build, journal = Build({"checksum": "1"}), Journal()

    async def overtaken(apps: Apps, _: Clock) -> str:
        await activate(apps, "b", LIVE, {"till": TILL}, journal)
        build.runs = "c"
        return await journal.take_back()

    assert "NOT DONE: build a is active again (another deploy was quicker: live runs build c now)" in build.run(
        overtaken
    )
    assert build.active == ["b"]


@pytest.mark.parametrize("maps", [True, False], ids=["sent by ours of before", "sent by a released client"])
def test_what_ran_before_there_was_a_history_counts_as_far_as_it_is_known(maps: bool) -> None:
    older = changed({}, "env", "till", TILL) if maps else {}
    build = Build({})
    build.others = {"a": {}, "a1": older, "a2": changed({}, "elsewhere", "till", TILL)}
    assert build.run(lambda apps, _: builds_before(apps, LIVE.app, LIVE.environment)) == (("a1",) if maps else ())
    assert build.run(lambda apps, _: doubt(apps, "a1", LIVE.environment)) == (
        "" if maps else "there is no record that live ever ran build a1"
    )
    past = build.run(lambda apps, _: activate(apps, "b", LIVE, {}, Journal()))
    assert past.before == (("a", "a1") if maps else ("a",))

    same = build.run(lambda apps, _: activate(apps, "b", replace(LIVE, environment=ENV_B), {}, Journal()))
    assert same == past, "nothing is known less of a build that is sent once more"


def test_what_was_brought_there_before_there_was_a_history_keeps_that_when_it_is_taken_back() -> None:
    build = Build(changed({}, "env", "till", TILL))

    async def fail(apps: Apps, _: Clock) -> None:
        journal = Journal()
        await activate(apps, "b", LIVE, {}, journal)
        await journal.take_back()

    build.run(fail)
    assert has_stood(build.manifest, "env")


def test_what_is_known_to_vary_stops_no_deploy_where_it_can_t_be_read() -> None:
    assert Build({}).run(lambda apps, _: known_to_vary(apps, "gone")) == []
    varies = {"recorded": {"roll": OTHERWISE, "price": PRICE["price"]}}
    assert Build(varies).run(lambda apps, _: known_to_vary(apps, "b")) == ["roll"]


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
