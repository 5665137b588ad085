"""Embedded Runpods, stopped at the end of their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from emulated import Api, RealServer


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with Api(tmp_path) as api:
        yield api


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., RealServer]]:
    servers: list[RealServer] = []

    def serve(*options: str) -> RealServer:
        servers.append(RealServer(tmp_path / "local", *options))
        return servers[-1]

    yield serve
    for server in servers:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def server(serve: Callable[..., RealServer]) -> RealServer:
    return serve()
