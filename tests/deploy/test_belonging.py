"""Whose an endpoint is that says so by names only, on a real embedded Runpod."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_desk import AppServer

from flash_jupyter.deploy.belonging import own_endpoints
from flash_jupyter.deploy.removal import look_at_environment
from flash_jupyter.session.links import Link
from flash_jupyter.transport.apps import Apps

pytestmark = pytest.mark.journey


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AppServer]:
    server = AppServer(tmp_path / "home")
    yield server
    server.server.stop()


def test_what_is_named_so_and_counted_by_another_environment_is_the_other_s(server: AppServer) -> None:
    live, test = server.environment("shop", "live"), server.environment("mill", "test")
    mine = server.endpoint("mine", "shop", "live", live)
    named = {"env": [{"key": "FLASH_APP", "value": "shop"}, {"key": "FLASH_ENV", "value": "live"}]}

    def template(name: str) -> dict[str, object]:
        return {"name": name, "imageName": "runpod/flash-cpu:latest", "containerDiskInGb": 20, **named}

    free = server.endpoint("free", "", "", "", flashEnvironmentId=None, template=template("free"))
    server.endpoint("taken", "", "", "", flashEnvironmentId=test, template=template("taken"))

    async def own(link: Link) -> list[str]:
        apps = Apps(link.http)
        found = await own_endpoints(apps, "shop", await apps.environment(live), await link.control.endpoints())
        return [each.id for each in found]

    assert server.on(own) == [free, mine]
    shown = server.on(lambda link: look_at_environment(link, "shop", "live", volumes=False))
    assert sorted(shown.named("endpoint")) == ["free", "mine"]
