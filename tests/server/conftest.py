"""A Jupyter server in the test's process, with our routes, over a platform that is made up or an embedded Runpod."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_user import Answer, Ask, User
from platform_app import BACKEND, ORIGIN, Platform
from pytest_jupyter.jupyter_server import *  # noqa: F403
from rest_document import assert_answer_fits
from traitlets.config import Config

from flash_jupyter.server.desk import Desk
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.settings import Settings

KEY = BACKEND.api_key


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    """A user with a key, and without an embedded Runpod."""
    home = tmp_path / "flash"
    home.mkdir()
    settings = Settings(
        home,
        home / "cache",
        "ann",
        "runpod",
        api_key=KEY,
        key_origin=BACKEND.key_origin,
        api_url=ORIGIN,
        endpoint_url=f"{ORIGIN}/v2",
    )
    platform = Platform()
    store = JobStore(settings.job_store)
    yield User(settings, platform, store, platform.transport())
    store.close()


@pytest.fixture
def jp_server_config() -> Config:  # takes the place of theirs
    """Our extension, as its configuration file enables it."""
    return Config(
        {"ServerApp": {"jpserver_extensions": {"flash_jupyter": True}, "allow_unauthenticated_access": False}}
    )


@pytest.fixture
def desk(user: User, jp_serverapp: Any, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[Desk]:
    """The desk of the server, over the made up platform."""
    desk = jp_serverapp.web_app.settings["flash_jupyter_desk"] = user.desk()
    yield desk
    jp_asyncio_loop.run_until_complete(desk.close())


@pytest.fixture
def ask(
    desk: Desk, http_server_client: Any, jp_auth_header: dict[str, str], jp_base_url: str, caplog: Any
) -> Iterator[Ask]:
    """Asks one of our routes; each answer is held against `rest-api.yml`, and must not have a key."""

    async def request(method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> Answer:
        found = await http_server_client.fetch(
            f"{jp_base_url}flash-jupyter/api{path}",
            method=method,
            headers=jp_auth_header if headers is None else headers,
            raise_error=False,
            allow_nonstandard_methods=True,
            request_timeout=60,
            **options,
        )
        answer = Answer(found.code, found.body.decode() if found.body else "", found.headers)
        assert KEY not in answer.text
        assert KEY not in str(answer.headers)
        assert_answer_fits(method, path, answer.status, answer.text)
        return answer

    yield request
    assert KEY not in caplog.text
