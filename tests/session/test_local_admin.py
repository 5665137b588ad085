"""What a deploy asks of the embedded Runpod beside the platform's own routes, over a real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flash_jupyter.session.links import Link, Links
from flash_jupyter.session.local import stop_local
from flash_jupyter.session.local_admin import LocalAdmin, ensure_runtime_secret
from flash_jupyter.settings import Settings, read_settings
from flash_jupyter.transport.loop import LoopThread


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"FLASH_JUPYTER_HOME": str(tmp_path), "FLASH_JUPYTER_BACKEND": "local"}, project=tmp_path)


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    loop = LoopThread()
    yield loop
    loop.close()


@pytest.fixture
def link(settings: Settings, loop: LoopThread) -> Iterator[Link]:
    links = Links(settings)
    yield links.open("local")
    loop.call(links.aclose())
    stop_local(settings)


@pytest.mark.journey
def test_the_runtime_secret_is_made_once_and_its_key_widened(settings: Settings, link: Link, loop: LoopThread) -> None:
    for environment in ("e1", "e2", "e1"):
        loop.call(ensure_runtime_secret(link, environment_id=environment))
    admin = LocalAdmin(settings)
    assert [secret["name"] for secret in admin.secrets()] == ["flash_runtime_key"]
    name = "runtime key flash_runtime_key"
    assert admin.keys() == [{"name": name, "endpoints": [], "environments": ["e1", "e2"], "account": "read"}]


@pytest.mark.journey
def test_a_secret_of_the_users_own_is_left_alone(settings: Settings, link: Link, loop: LoopThread) -> None:
    admin = LocalAdmin(settings)
    assert admin.set_secret("mine", "x")
    loop.call(ensure_runtime_secret(link, "mine", environment_id="e1"))
    assert admin.keys() == []
