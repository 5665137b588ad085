"""The map of an environment over processes: who changes it at the same time, and a platform that fails meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from artifacts import archive
from emulated import wait_for

from flash_jupyter.runtime.registry import TTL_S, ServiceRegistry
from flash_jupyter.runtime.state import Deployed, StateManager
from flash_jupyter.session.links import Links
from flash_jupyter.session.local_admin import LocalAdmin
from flash_jupyter.transport.apps import Apps
from flash_jupyter.transport.http import Clock
from flash_jupyter.transport.loop import LoopThread
from flash_jupyter.transport.upload import upload_file

pytestmark = pytest.mark.journey

#: a process that says which endpoints serve two resources, when it is told to begin
WRITER = """
import asyncio, sys
from pathlib import Path
from flash_jupyter.runtime.state import Deployed, StateManager
from flash_jupyter.session.links import Links
from flash_jupyter.settings import read_settings
from flash_jupyter.transport.apps import Apps

environment, name, begin = sys.argv[1:]

async def main():
    links = Links(read_settings())
    state = StateManager(Apps(links.open("local").http))
    print("ready", flush=True)
    while not Path(begin).exists():
        await asyncio.sleep(0.01)
    await asyncio.gather(*(state.update(environment, f"{name}{n}", Deployed(f"ep-{name}{n}", "u")) for n in (1, 2)))
    await links.aclose()

asyncio.run(main())
"""


class Place:
    """An environment with a build, and a State Manager of this process."""

    def __init__(self, desk: Any) -> None:
        self._links, self.loop = Links(desk.settings), LoopThread("test")
        self.apps = Apps(self._links.open("local").http)
        self.state = StateManager(self.apps)
        self.environment = self.loop.call(self._make(archive(desk.folder / "a.tar.gz", {"a": ""})))

    async def _make(self, artifact: Path) -> str:
        app = (await self.apps.create_app("states")).id
        environment = (await self.apps.create_environment(app, "production")).id
        place = await self.apps.prepare_upload(app, artifact.stat().st_size)
        await upload_file(place.url, artifact)
        build = await self.apps.finalize_upload(app, place.object_key, {"version": "1.0"})
        await self.apps.deploy(environment, build.id)
        return environment

    def close(self) -> None:
        self.loop.close(self._links.aclose)

    def endpoints(self) -> dict[str, Deployed]:
        return self.loop.call(self.state.endpoints(self.environment))


@pytest.fixture
def place(desk: Any) -> Iterator[Place]:
    made = Place(desk)
    yield made
    made.close()


def test_processes_that_write_at_the_same_time_lose_nothing_of_each_other(desk: Any, place: Place) -> None:
    names = ("a", "b", "c")
    writers = [desk.start_python("-c", WRITER, place.environment, name, str(desk.folder / "begin")) for name in names]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n", writer.stderr.read()
    (desk.folder / "begin").touch()
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0, said
    expected = {f"{name}{n}": Deployed(f"ep-{name}{n}", "u") for name in names for n in (1, 2)}
    assert place.endpoints() == expected


def test_a_platform_that_fails_for_a_while_is_asked_again(desk: Any, place: Place) -> None:
    LocalAdmin(desk.settings).set_fault("500", times=2)
    place.loop.call(place.state.update(place.environment, "ocr", Deployed("ep1", "u")))
    assert place.endpoints() == {"ocr": Deployed("ep1", "u")}


def test_calls_go_on_with_the_last_known_map_while_the_platform_is_away(desk: Any, place: Place) -> None:
    ocr, moved, now = Deployed("ep1", "u1"), Deployed("ep2", "u2"), [0.0]
    registry = ServiceRegistry(
        {}, place.environment, lambda: place.state.endpoints(place.environment), clock=Clock(monotonic=lambda: now[0])
    )

    def found_later() -> Deployed:
        now[0] += TTL_S
        return place.loop.call(registry.endpoint_of("ocr"))

    place.loop.call(place.state.update(place.environment, "ocr", ocr))
    assert found_later() == ocr
    admin = LocalAdmin(desk.settings)
    admin.set_fault("500", route="graphql")
    try:
        assert found_later() == ocr
    finally:
        admin.clear_faults()
    place.loop.call(place.state.update(place.environment, "ocr", moved))
    wait_for(lambda: found_later() == moved, within_s=90)
