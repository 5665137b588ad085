"""One embedded Runpod for the tests of this folder: they are about the client, so they share it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flash_jupyter.session.local import stop_local
from flash_jupyter.session.session import Session
from flash_jupyter.settings import Settings, read_settings


@pytest.fixture(scope="session")
def local_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings that name a home of its own; its embedded Runpod ends with the tests."""
    home = tmp_path_factory.mktemp("home")
    environ = {"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local", "PATH": os.environ["PATH"]}
    settings = read_settings(environ, project=home)
    yield settings
    stop_local(settings)


@pytest.fixture
def kernel(local_settings: Settings) -> Iterator[Callable[[], Session]]:
    """Makes sessions, each as of a kernel of its own."""
    sessions: list[Session] = []

    def make() -> Session:
        sessions.append(Session(local_settings))
        return sessions[-1]

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def broken_home(tmp_path: Path) -> Settings:
    """Settings whose home is a file."""
    (tmp_path / "home").write_text("")
    return read_settings({"FLASH_JUPYTER_HOME": str(tmp_path / "home")}, project=tmp_path)
