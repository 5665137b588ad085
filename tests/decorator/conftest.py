"""One embedded Runpod for the tests of this folder, and scripts that are executed in this process."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flash_jupyter.session import default
from flash_jupyter.session.local import stop_local
from flash_jupyter.session.session import Session
from flash_jupyter.settings import Settings, read_settings

Script = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def local_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("home")
    environ = {"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local", "PATH": os.environ["PATH"]}
    settings = read_settings(environ, project=home)
    yield settings
    stop_local(settings)


@pytest.fixture(scope="module")
def session(local_settings: Settings) -> Iterator[Session]:
    """The session that remote functions use meanwhile."""
    session = Session(local_settings)

    def provider() -> Session:
        return session

    default.provide(provider)
    yield session
    default.withdraw(provider)
    session.close()


@pytest.fixture
def script(session: Session) -> Script:
    """Executes a script in a namespace of its own, in which `remote` is imported, and returns the namespace."""

    def run(source: str, **names: Any) -> dict[str, Any]:
        namespace: dict[str, Any] = {"__name__": "script", **names}
        exec("from flash_jupyter import *\nimport asyncio", namespace)
        exec(textwrap.dedent(source), namespace)
        return namespace

    return run
