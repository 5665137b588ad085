"""Where the development server listens: the host and port that were asked for, or the next port that is free."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from flash_jupyter.errors import SettingsError
from flash_jupyter.settings import Settings

#: of the released client (flash-wire.md 8)
DEFAULT_HOST, DEFAULT_PORT = "localhost", 8888
#: how many ports are tried, one after the other
TRIED_PORTS = 20
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Listener:
    """An open socket; `taken` is the port that was asked for, where that was another."""

    sock: socket.socket
    host: str
    taken: int | None = None

    @property
    def url(self) -> str:
        """Where a browser of this machine finds it.

        >>> with socket.create_server(("127.0.0.1", 0)) as sock:
        ...     Listener(sock, "0.0.0.0").url == f"http://localhost:{sock.getsockname()[1]}"
        True
        """
        port = self.sock.getsockname()[1]
        host = "localhost" if self.host in ("0.0.0.0", "::", "") else self.host
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def is_public(self) -> bool:
        """Whether other machines reach it."""
        return self.host not in LOOPBACK


def asked_for(settings: Settings, host: str | None, port: int | None) -> tuple[str, int]:
    """Return host and port: as given, else `FLASH_HOST` and `FLASH_PORT`, else the defaults.

    Raises `SettingsError` for a `FLASH_PORT` that is none.
    """
    text = settings.environ.get("FLASH_PORT", "").strip()
    if port is None and text and not (text.isdecimal() and int(text) <= 65535):
        raise SettingsError(f"FLASH_PORT is {text!r}", fix="set it to a number up to 65535, such as 8888")
    named = host or settings.environ.get("FLASH_HOST", "").strip() or DEFAULT_HOST
    return named, port if port is not None else int(text or DEFAULT_PORT)


def listen(host: str, port: int) -> Listener:
    """Listen on the first free port from `port` on; 0 means any. Raises `SettingsError` where that can't be."""
    try:
        # IPv4 first: `localhost` means both, and every client tries it
        family, *_, address = min(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), key=lambda each: each[0])
    except (socket.gaierror, UnicodeError):
        raise SettingsError(f"there is no host {host}", fix="use localhost, or an address of this machine") from None
    last = port if port == 0 else min(port + TRIED_PORTS - 1, 65535)
    for candidate in range(port, last + 1):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address[0], candidate, *address[2:]))
            sock.listen(2048)
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE:
                raise _refused(host, candidate, error) from None
        else:
            return Listener(sock, host, taken=port if candidate != port else None)
    raise SettingsError(f"the ports {port} to {last} of {host} are all taken", fix="choose another one with --port")


def _refused(host: str, port: int, error: OSError) -> SettingsError:
    if error.errno == errno.EACCES:
        return SettingsError(
            f"port {port} may not be used: {error.strerror}", fix="choose one from 1024 on, with --port"
        )
    return SettingsError(
        f"can't listen on {host}: {error.strerror}", fix="use localhost, or an address of this machine"
    )
