"""Environments of the released packages, made once under `.venvs/`, and an embedded Runpod for them to talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from foreign import Platform
from foreign import released as make_released

from flash_jupyter.session.local import ensure_local, stop_local
from flash_jupyter.settings import Backend, Settings, read_settings

#: they run in the environments of the released packages, and import what is only there
collect_ignore = ["programs"]


@pytest.fixture(scope="session")
def released() -> Callable[..., Path]:
    """Give the interpreter of an environment that has these packages, and nothing of ours."""
    return make_released


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("home")
    return read_settings({"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local"}, project=home)


@pytest.fixture(scope="module")
def local(settings: Settings) -> Iterator[Backend]:
    yield ensure_local(settings)
    stop_local(settings)


@pytest.fixture(scope="module")
def platform(settings: Settings, local: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Give an embedded Runpod as foreign software sees it."""
    with Platform(settings, tmp_path_factory.mktemp("user")) as found:
        yield found
