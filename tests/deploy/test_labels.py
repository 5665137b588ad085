"""Which endpoints are an environment's, by their labels and by what the platform counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from app_desk import AppServer

from flash_jupyter.deploy.labels import endpoints_of, own_endpoints
from flash_jupyter.deploy.removal import look_at_environment
from flash_jupyter.session.links import Link
from flash_jupyter.transport.apps import Apps
from flash_jupyter.wire.apps import Environment, Named
from flash_jupyter.wire.control import Endpoint

NAMES = {"FLASH_APP": "shop", "FLASH_ENV": "live"}
ONE = (Named(id="ep1"),)
OTHER = Environment(id="e2", name="test", endpoints=ONE)


@pytest.mark.parametrize(
    ("env", "counted", "others", "is_own"),
    [
        pytest.param(NAMES, (), (), True, id="named so, and nobody counts it"),
        pytest.param(NAMES, (), (OTHER,), False, id="named so, and another environment counts it"),
        pytest.param(NAMES, ONE, (OTHER,), True, id="counted by both"),
        pytest.param({**NAMES, "FLASH_ENVIRONMENT_ID": "e2"}, (), (), False, id="named so, with another's id"),
        pytest.param({"FLASH_ENVIRONMENT_ID": "e1"}, (), (OTHER,), True, id="its id, whatever another counts"),
        pytest.param({}, ONE, (), True, id="counted, without a label"),
    ],
)
def test_an_endpoint_is_an_environment_s(
    env: dict[str, str], counted: tuple[Named, ...], others: tuple[Environment, ...], is_own: bool
) -> None:
    live = Environment(id="e1", name="live", endpoints=counted)
    assert bool(endpoints_of("shop", live, [Endpoint(id="ep1", name="till", env=env)], others)) is is_own


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AppServer]:
    server = AppServer(tmp_path / "home")
    yield server
    server.server.stop()


@pytest.mark.journey
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
