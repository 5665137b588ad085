"""The clean end, on a real embedded Runpod: what goes, what stays, and what an interrupted one leaves to the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from app_desk import AppServer

from flash_jupyter.deploy.apps import AppDesk
from flash_jupyter.deploy.removal import look_at_environment, remove_app, remove_environment
from flash_jupyter.deploy.terms import Progress
from flash_jupyter.errors import ApiError, OptionError
from flash_jupyter.runtime.state import Deployed, read_endpoints
from flash_jupyter.session.links import Link
from flash_jupyter.transport.apps import Apps

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """One for all: each test has apps of its own."""
    server = AppServer(tmp_path_factory.mktemp("removal") / "home")
    yield server
    server.server.stop()


def environments(server: AppServer, app: str) -> list[str]:
    return [each.name for each in server.on(lambda link: AppDesk(link).app(app)).environments]


def test_an_environment_goes_with_its_endpoints_and_templates_and_its_namesake_stays(server: AppServer) -> None:
    live, test = server.environment("shop", "live"), server.environment("shop", "test")
    models = server.volume("models")
    for name in ("ocr", "score"):
        server.endpoint(name, "shop", "live", live, networkVolumeId=models)
    other = server.endpoint("ocr", "shop", "test", test)
    server.template("left-behind", {"FLASH_APP": "shop", "FLASH_ENV": "live", "FLASH_ENVIRONMENT_ID": live})
    server.template("another", {"FLASH_APP": "shop", "FLASH_ENV": "test", "FLASH_ENVIRONMENT_ID": test})
    seen: list[Progress] = []
    removed = server.on(lambda link: remove_environment(link, "shop", "live", volumes=False, report=seen.append))
    assert (removed.named("endpoint"), removed.named("template")) == (("ocr", "score"), ("left-behind",))
    assert [(each.kind, each.name, each.usd_per_month) for each in removed.left] == [("volume", "models", None)]
    assert [(each.done, each.total) for each in seen if each.total] == [(0, 2), (1, 2), (2, 2)]
    assert server.ids("serverless", "endpoints") == [other]
    assert server.listed("templates") == ["another"]
    assert "models" in server.listed("network-volumes", "networkVolumes")
    assert environments(server, "shop") == ["test"]
    server.on(lambda link: remove_app(link, "shop", volumes=True))


def test_volumes_go_when_that_is_asked_for_and_nobody_else_uses_them(server: AppServer) -> None:
    live, test = server.environment("mill", "live"), server.environment("mill", "test")
    mine, ours = server.volume("mine"), server.volume("ours")
    server.endpoint("grind", "mill", "live", live, networkVolumeId=mine)
    server.endpoint("sieve", "mill", "live", live, networkVolumeId=ours)
    server.endpoint("sieve", "mill", "test", test, networkVolumeId=ours)
    shown = server.on(lambda link: look_at_environment(link, "mill", "live", volumes=True))
    assert shown.named("volume") == ("mine",)
    removed = server.on(lambda link: remove_environment(link, "mill", "live", volumes=True))
    assert removed.named("volume") == ("mine",)
    assert [(each.name, each.why) for each in removed.left] == [("ours", "used by sieve")]
    volumes = server.listed("network-volumes", "networkVolumes")
    assert ("mine" in volumes, "ours" in volumes) == (False, True)
    server.on(lambda link: remove_app(link, "mill", volumes=True))


def test_an_endpoint_that_can_not_be_deleted_is_told_and_the_environment_stays_until_it_can(server: AppServer) -> None:
    live = server.environment("farm", "live")
    server.endpoint("barn", "farm", "live", live)
    stuck = server.endpoint("stable", "farm", "live", live)
    server.fault("500", endpoint="stable", route="delete")
    with pytest.raises(ApiError, match="endpoint stable is still listed; deleted: barn"):
        server.on(lambda link: remove_environment(link, "farm", "live", volumes=False))
    assert environments(server, "farm") == ["live"]
    assert server.ids("serverless", "endpoints") == [stuck]
    server.clear_faults()
    removed = server.on(lambda link: remove_environment(link, "farm", "live", volumes=False))
    assert removed.named("endpoint") == ("stable",)
    assert server.ids("serverless", "endpoints") == []


def test_an_app_takes_its_environments_with_it_and_endpoints_that_have_lost_theirs(server: AppServer) -> None:
    live = server.environment("port", "live")
    server.endpoint("crane", "port", "live", live)
    server.endpoint("stray", "port", "gone", "e0", flashEnvironmentId=None)
    stranger = server.endpoint("stray", "other", "live", "e1", flashEnvironmentId=None)
    removed = server.on(lambda link: remove_app(link, "port", volumes=False))
    assert (removed.named("endpoint"), removed.environments) == (("crane", "stray"), ("live",))
    assert server.ids("serverless", "endpoints") == [stranger]
    assert "port" not in [each.name for each in server.on(lambda link: AppDesk(link).all())]


def test_a_build_stays_with_its_app_and_forgets_the_environment(server: AppServer) -> None:
    live, test = server.environment("yard", "live"), server.environment("yard", "test")
    there = {"crane": {"endpoint_id": "e1", "url": "https://e1.test"}}
    build = server.build("yard", {"environments": {live: there, test: there}}, live, test)
    removed = server.on(lambda link: remove_environment(link, "yard", "live", volumes=False))
    assert [(each.kind, each.id, each.why) for each in removed.left] == [
        ("build", build, "goes with its app: flash app delete yard")
    ]
    manifest = server.on(lambda link: Apps(link.http).manifest(build))
    assert read_endpoints(manifest, live) == {}
    assert read_endpoints(manifest, test) == {"crane": Deployed("e1", "https://e1.test")}
    assert server.on(lambda link: remove_app(link, "yard", volumes=False)).named("build") == (build,)


def test_what_does_not_exist_is_not_removed(server: AppServer) -> None:
    async def remove(link: Link) -> object:
        return await remove_environment(link, "nowhere", "live", volumes=False)

    with pytest.raises(OptionError, match="there is no app nowhere"):
        server.on(remove)
