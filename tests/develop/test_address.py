"""Where the development server listens."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from flash_jupyter.develop.address import Listener, asked_for, listen
from flash_jupyter.errors import SettingsError
from flash_jupyter.settings import Settings


def settings(tmp_path: Path, **environ: str) -> Settings:
    return Settings(tmp_path, tmp_path, "ann", "local", environ=environ)


ASKED = [
    ("the published defaults", {}, (None, None), ("localhost", 8888)),
    ("the variables", {"FLASH_HOST": "127.0.0.1", "FLASH_PORT": "9000"}, (None, None), ("127.0.0.1", 9000)),
    (
        "options go before variables",
        {"FLASH_HOST": "0.0.0.0", "FLASH_PORT": "x"},
        ("127.0.0.1", 0),
        ("127.0.0.1", 0),
    ),
    ("empty variables say nothing", {"FLASH_HOST": "", "FLASH_PORT": " "}, (None, None), ("localhost", 8888)),
]


@pytest.mark.parametrize(("environ", "given", "asked"), [a[1:] for a in ASKED], ids=[a[0] for a in ASKED])
def test_what_is_asked_for(
    tmp_path: Path, environ: dict[str, str], given: tuple[str | None, int | None], asked: tuple[str, int]
) -> None:
    assert asked_for(settings(tmp_path, **environ), *given) == asked


@pytest.mark.parametrize("port", ["x", "-1", "65536"])
def test_a_variable_that_is_no_port(tmp_path: Path, port: str) -> None:
    with pytest.raises(SettingsError) as caught:
        asked_for(settings(tmp_path, FLASH_PORT=port), None, None)
    assert str(caught.value) == f"FLASH_PORT is {port!r}\n  → set it to a number up to 65535, such as 8888"


def test_a_port_that_is_taken_gives_way_to_the_next(tmp_path: Path) -> None:
    first = listen("127.0.0.1", 0)
    port = first.sock.getsockname()[1]
    with first.sock:
        second = listen("127.0.0.1", port)
        with second.sock:
            assert second.taken == port
            assert port < second.sock.getsockname()[1] < port + 20
            assert second.url == f"http://127.0.0.1:{second.sock.getsockname()[1]}"
    assert first.taken is None


REFUSED = [
    ("a host that does not exist", "a..b", "there is no host a..b"),
    (
        "an address of another machine",
        "192.0.2.1",
        "can't listen on 192.0.2.1: Cannot assign requested address",
    ),
]


@pytest.mark.parametrize(("host", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_a_host_that_can_not_be_bound(host: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        listen(host, 0)
    assert str(caught.value) == f"{message}\n  → use localhost, or an address of this machine"


def test_who_listens_on_all_addresses_is_public() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        assert [Listener(sock, host).is_public for host in ("localhost", "127.0.0.1", "0.0.0.0")] == [
            False,
            False,
            True,
        ]
