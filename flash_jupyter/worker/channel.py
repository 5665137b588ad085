"""One connection from a worker to its server: blocking HTTP/1.1 with keep-alive, as little of it as a loopback needs.

`http.client` reads the head of an answer with the parser of e-mails, which took a third of a short job's time in the
worker (measured 2026-11-22).
"""

from __future__ import annotations

import socket
import struct
import time
from urllib.parse import urlsplit

from httptools import HttpParserError, HttpResponseParser

POLL_TIMEOUT_S = 90
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0
#: a larger buffer is asked of the system anew for each answer, and given back: 8 µs instead of 1 (measured 2026-11-23)
READ_BYTES = 1 << 16


class ServerGone(Exception):
    """The server did not come back in time."""


class Channel:
    """One connection, for one thread; made again when it breaks. `key` goes into `Authorization` as it is.

    A server that says nothing for `timeout_s` seconds (a whole number of them) has gone.
    """

    def __init__(self, url: str, key: str, *, timeout_s: int = POLL_TIMEOUT_S) -> None:
        address = urlsplit(url)
        self._netloc, self._address = address.netloc, (address.hostname or "", address.port or 80)
        self._headers = f"Host: {address.netloc}\r\nAuthorization: {key}\r\nContent-Type: application/json\r\n"
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def request(self, method: str, url: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send one request and return the answer's status and body; `OSError` when there is no answer."""
        target = url.partition(self._netloc)[2]
        head = f"{method} {target} HTTP/1.1\r\n{self._headers}Content-Length: {len(body)}\r\n\r\n"
        try:
            connection = self._socket = self._socket or self._connect()
            connection.sendall(head.encode() + body)
            answer = _Answer.read(connection)
        except BaseException:
            self._close()
            raise
        if not answer.keeps_alive:
            self._close()
        return answer.status, b"".join(answer.body)

    def persist(self, method: str, url: str, body: bytes = b"", *, wait_s: float) -> tuple[int, bytes]:
        """Send until the server answers with anything but a 5xx, or raise `ServerGone` after `wait_s` seconds."""
        deadline, pause = time.monotonic() + wait_s, FIRST_PAUSE_S
        while True:
            try:
                status, answer = self.request(method, url, body)
                if status < 500:
                    return status, answer
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise ServerGone(f"no answer from {self._netloc} for {wait_s:g} s")
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=self._timeout_s)
        connection.settimeout(None)  # that of Python asks the system twice: whether there is something, and what
        limit = struct.pack("@ll", self._timeout_s, 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            connection.setsockopt(socket.SOL_SOCKET, option, limit)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class _Answer:
    """One answer as it is read; the parser calls the `on_...` methods."""

    def __init__(self) -> None:
        self.status = 0
        self.body: list[bytes] = []
        self.is_complete = self.keeps_alive = False
        self._parser = HttpResponseParser(self)

    @classmethod
    def read(cls, connection: socket.socket) -> _Answer:
        """Read one whole answer; raises `OSError` for one that breaks off or is no HTTP."""
        answer = cls()
        while not answer.is_complete:
            data = connection.recv(READ_BYTES)
            if not data:
                raise ConnectionError("the server closed the connection")
            try:
                answer._parser.feed_data(data)
            except HttpParserError as error:
                raise ConnectionError(f"the answer is no HTTP: {error}") from None
        return answer

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self.body.append(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        self.is_complete = True
        self.status, self.keeps_alive = self._parser.get_status_code(), self._parser.should_keep_alive()
