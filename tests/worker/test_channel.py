"""A worker's connection to its server."""

from __future__ import annotations

import socket
import time

import pytest

from flash_jupyter.worker.channel import Channel


def test_a_server_that_says_nothing_has_gone_after_a_while() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        started = time.monotonic()
        with pytest.raises(OSError, match="unavailable"):
            Channel(url, "key", timeout_s=1).request("GET", url)
    assert 0.9 < time.monotonic() - started < 10
