"""Which image a resource with a stored template has, on a real embedded Runpod."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from app_desk import AppServer

from flash_jupyter.build.manifest import Resource, make_manifest
from flash_jupyter.deploy.stored import with_stored_templates
from flash_jupyter.deploy.wanted import Place, wanted_of
from flash_jupyter.session.links import Link

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    server = AppServer(tmp_path_factory.mktemp("stored") / "home")
    yield server
    server.server.stop()


@pytest.mark.parametrize(
    ("said", "image"),
    [
        pytest.param({}, "me/mine:1", id="the template's, where a live class names none"),
        pytest.param({"imageName": "me/other:2"}, "me/other:2", id="the resource's own, where it names one"),
    ],
)
def test_a_live_class_has_the_image_of(server: AppServer, said: dict[str, str], image: str) -> None:
    async def fields(link: Link) -> dict[str, object]:
        body = {"name": f"mine-{len(said)}", "image": "me/mine:1", "disk": 7, "serverless": True}
        stored = await link.control.templates.create(body)
        resource = Resource(
            resource_type="LiveServerless",
            functions=[],
            config={"template": stored.id, **said},
            imageName=said.get("imageName"),
        )
        manifest = make_manifest("shop", "3.11", {"till": resource}, "ab" * 32)
        wanted = wanted_of(manifest, Place("shop", "live", "e1"), owner="ann", runtime_secret="key")
        return (await with_stored_templates(wanted, link.control.templates))["till"].fields

    assert server.on(fields)["image"] == image
