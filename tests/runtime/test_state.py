"""The map of an environment: what is read, and that writers who meet lose nothing of each other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.errors import ManifestServiceUnavailableError
from flash_jupyter.runtime.state import SETTLE_S, Deployed, StateManager, changed, read_endpoints
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Clock, Http

OCR, WEB = Deployed("ep1", "https://host/v2/ep1"), Deployed("ep2", "https://host/lb/ep2")


class Platform:
    """One environment with one build, as GraphQL answers."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        self.build: str | None = "build"
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.asked: list[str] = []
        self.pauses: list[float] = []
        self.after_pause: Callable[[], None] = lambda: None

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.after_pause()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)
        if self.answers:
            status, body = self.answers.pop(0)
            return httpx.Response(status, json=body)
        if "updateFlashBuildManifest" in sent["query"]:
            self.manifest = sent["variables"]["input"]["manifest"]
            self.asked.append("write")
            return httpx.Response(200, json={"data": {"updateFlashBuildManifest": {"id": "build", "manifest": {}}}})
        if "flashBuild(" in sent["query"]:
            self.asked.append("read")
            return httpx.Response(200, json={"data": {"flashBuild": {"id": "build", "manifest": self.manifest}}})
        found = {"id": "env", "name": "production", "activeBuildId": self.build}
        return httpx.Response(200, json={"data": {"flashEnvironment": found}})

    def run(self, work: Callable[[StateManager], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            clock = Clock(monotonic=lambda: sum(self.pauses), sleep=self._sleep, random=lambda: 0.0)
            http = Http(BACKEND, transport=httpx.MockTransport(self._answer), clock=clock)
            try:
                return await work(StateManager(Apps(http), clock=clock))
            finally:
                await http.aclose()

        return asyncio.run(main())


def of_env(platform: Platform) -> dict[str, Deployed]:
    return read_endpoints(platform.manifest, "env")


def test_an_entry_is_written_and_the_rest_of_the_manifest_stays() -> None:
    platform = Platform({"resources": {"ocr": {"x": 1}}, "environments": {"other": {"ocr": {"endpoint_id": "e"}}}})
    platform.run(lambda state: state.update("env", "ocr", OCR))
    assert platform.manifest == {
        "resources": {"ocr": {"x": 1}},
        "environments": {
            "other": {"ocr": {"endpoint_id": "e"}},
            "env": {"ocr": {"endpoint_id": "ep1", "url": "https://host/v2/ep1"}},
        },
        "resources_endpoints": {"ocr": "https://host/v2/ep1"},
    }
    assert platform.run(lambda state: state.endpoints("env")) == {"ocr": OCR}


def test_what_stands_there_already_is_not_written() -> None:
    platform = Platform(changed({}, "env", "ocr", OCR))
    platform.run(lambda state: state.update("env", "ocr", OCR))
    assert (platform.asked, platform.pauses) == (["read"], [])


def test_an_entry_is_removed_and_those_of_other_environments_stay() -> None:
    both = changed(changed({}, "other", "ocr", WEB), "env", "ocr", OCR)
    platform = Platform(both)
    platform.run(lambda state: state.update("env", "ocr", None))
    assert of_env(platform) == {}
    assert read_endpoints(platform.manifest, "other") == {"ocr": WEB}
    assert platform.manifest["resources_endpoints"] == {}


def test_the_map_of_a_released_client_is_taken_over() -> None:
    platform = Platform({"resources_endpoints": {"web": "https://host/lb/ep2"}})
    platform.run(lambda state: state.update("env", "ocr", OCR))
    assert of_env(platform) == {"web": WEB, "ocr": OCR}


def test_a_write_that_began_with_an_older_reading_takes_nothing_away() -> None:
    """Another read before we wrote, and writes after: ours is gone then, and is written again."""
    platform = Platform({})
    older = changed({}, "env", "web", WEB)

    def arrives() -> None:
        platform.after_pause = lambda: None
        platform.manifest = older

    platform.after_pause = arrives
    platform.run(lambda state: state.update("env", "ocr", OCR))
    assert of_env(platform) == {"ocr": OCR, "web": WEB}
    assert platform.asked.count("write") == 2
    assert SETTLE_S in platform.pauses


def test_what_another_says_of_the_same_resource_later_stays() -> None:
    platform = Platform({})

    def arrives() -> None:
        platform.manifest = changed(platform.manifest, "env", "ocr", WEB)

    platform.after_pause = arrives
    platform.run(lambda state: state.update("env", "ocr", OCR))
    assert of_env(platform) == {"ocr": WEB}


def test_many_writers_of_one_process_lose_nothing() -> None:
    platform = Platform({})

    async def work(state: StateManager) -> None:
        await asyncio.gather(*(state.update("env", f"r{n}", Deployed(f"e{n}", f"u{n}")) for n in range(6)))

    platform.run(work)
    assert sorted(of_env(platform)) == [f"r{n}" for n in range(6)]


def test_somebody_who_overwrites_everything_for_ever_is_said() -> None:
    platform = Platform({})

    def overwrite() -> None:
        platform.manifest = {}

    platform.after_pause = overwrite
    with pytest.raises(ManifestServiceUnavailableError) as caught:
        platform.run(lambda state: state.update("env", "ocr", OCR))
    assert str(caught.value) == (
        "the entry of ocr was overwritten 8 times by others\n  → deploy again when they are done"
    )


def test_a_manager_that_is_away_is_asked_a_bounded_number_of_times() -> None:
    platform = Platform({})
    platform.answers = [(400, {"errors": [{"message": "broken"}]})] * 3
    with pytest.raises(ManifestServiceUnavailableError) as caught:
        platform.run(lambda state: state.endpoints("env"))
    assert platform.answers == []
    assert caught.value.message == (
        "the platform did not give the manifest of environment env: GraphQL getFlashEnvironment failed: broken"
    )


def test_a_manager_that_comes_back_is_heard() -> None:
    platform = Platform(changed({}, "env", "ocr", OCR))
    platform.answers = [(400, {"errors": [{"message": "broken"}]})] * 2
    assert platform.run(lambda state: state.endpoints("env")) == {"ocr": OCR}


def test_an_environment_without_a_build_has_no_map() -> None:
    platform = Platform({})
    platform.build = None
    with pytest.raises(ManifestServiceUnavailableError) as caught:
        platform.run(lambda state: state.endpoints("env"))
    assert str(caught.value) == (
        "the platform did not give the manifest of environment env: environment env runs no build\n"
        "  → deploy one: flash deploy send"
    )
