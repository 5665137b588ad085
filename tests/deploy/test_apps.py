"""Apps and environments as they are listed and made, on a real embedded Runpod."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from app_desk import AppServer

from flash_jupyter.deploy.apps import AppDesk
from flash_jupyter.deploy.send import Deployer
from flash_jupyter.deploy.terms import Terms
from flash_jupyter.errors import OptionError
from flash_jupyter.session.links import Link
from flash_jupyter.settings import Settings

pytestmark = pytest.mark.journey


async def back(link: Link, app: str, environment: str) -> object:
    settings = Settings(Path("/nonexistent"), Path("/nonexistent"), "ann", "local")
    return await Deployer(link, settings).rollback(app, environment, None, Terms(lambda _plan: False))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    server = AppServer(tmp_path_factory.mktemp("desk") / "home")
    yield server
    server.server.stop()


def test_an_environment_makes_its_app_and_is_not_made_twice(server: AppServer) -> None:
    made = server.on(lambda link: AppDesk(link).create_environment("first", "live"))
    assert (made.app, made.environment, made.is_new_app) == ("first", "live", True)
    assert server.on(lambda link: AppDesk(link).create_environment("first", "test")).is_new_app is False
    with pytest.raises(OptionError) as refused:
        server.on(lambda link: AppDesk(link).create_environment("first", "live"))
    assert str(refused.value) == (
        "app first has an environment live already\n  → send a build to it: flash deploy send live"
    )
    app = server.on(lambda link: AppDesk(link).app("first"))
    assert [(each.name, each.state, each.endpoints, each.build_id) for each in app.environments] == [
        ("live", "PENDING", 0, None),
        ("test", "PENDING", 0, None),
    ]


def test_an_environment_shows_its_endpoints_and_not_those_of_its_namesake(server: AppServer) -> None:
    live, other = server.environment("shop", "live"), server.environment("bakery", "live")
    volume = server.volume("models")
    mine = server.endpoint("ocr", "shop", "live", live, networkVolumeId=volume)
    server.endpoint("ocr", "bakery", "live", other)
    view = server.on(lambda link: AppDesk(link).environment("shop", "live"))
    (ocr,) = view.endpoints
    assert (ocr.name, ocr.id, ocr.kind, ocr.state, ocr.build_id) == ("ocr", mine, "queue", "asleep", "b1")
    assert ocr.hardware == "cpu3g 2 vCPU"
    assert ocr.url.endswith(f"/v2/{mine}")
    assert [(each.name, each.id) for each in view.volumes] == [("models", volume)]
    listed = {each.name: each for each in server.on(lambda link: AppDesk(link).all())}
    assert [each.endpoints for each in listed["shop"].environments] == [1]


def test_an_app_is_made_once(server: AppServer) -> None:
    server.on(lambda link: AppDesk(link).create_app("alone"))
    with pytest.raises(OptionError, match="there is an app alone already"):
        server.on(lambda link: AppDesk(link).create_app("alone"))


@pytest.mark.parametrize(
    ("look", "said"),
    [
        pytest.param(
            lambda link: AppDesk(link).app("conrer"),
            "there is no app conrer\n  → did you mean corner?",
            id="an app that is misspelt",
        ),
        pytest.param(
            lambda link: AppDesk(link).environment("corner", "zzz"),
            "there is no environment zzz in app corner\n  → choose one of: live",
            id="an environment that is not there",
        ),
        pytest.param(
            lambda link: back(link, "conrer", "live"),
            "there is no app conrer\n  → did you mean corner?",
            id="the app of a rollback",
        ),
        pytest.param(
            lambda link: back(link, "corner", "zzz"),
            "there is no environment zzz in app corner\n  → choose one of: live",
            id="the environment of a rollback",
        ),
        pytest.param(
            lambda link: AppDesk(link).environment("empty", "live"),
            "there is no environment live in app empty\n  → make it: flash deploy new live",
            id="an environment of an app that has none",
        ),
        pytest.param(
            lambda link: AppDesk(link).create_environment("corner", "a/b"),
            "'a/b' can't be the name of an environment\n  → use letters, digits, - and _, as in production",
            id="a name with a slash",
        ),
    ],
)
def test_what_does_not_exist_is_told_with_what_does(
    server: AppServer, look: Callable[[Link], Awaitable[object]], said: str
) -> None:
    known = [each.name for each in server.on(lambda link: AppDesk(link).all())]
    if "corner" not in known:
        server.environment("corner", "live")
        server.on(lambda link: AppDesk(link).create_app("empty"))
    with pytest.raises(OptionError) as refused:
        server.on(look)
    assert str(refused.value) == said
