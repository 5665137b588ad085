"""HTTP/1.1 as uvicorn speaks it, with the head and the body of an answer in one write.

uvicorn writes them one after the other, and each write wakes the client or the worker that waits for it: of a short
job's time that was a tenth (measured 2026-11-23).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from flash_jupyter.emulator.direct import Answer


class JoinedWrites:
    """A transport that lets a write wait for the next one of this turn of the loop; all else is the other's."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, with what waits, or let it wait until this turn of the loop is over."""
        self._pieces.append(data)
        if len(self._pieces) == 1:
            self._loop.call_soon(self.flush)
        else:
            self.flush()

    def close(self) -> None:
        """Write what waits, and close."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write what waits."""
        pieces, self._pieces = self._pieces, []
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))


class Protocol(HttpToolsProtocol):  # type: ignore[misc]  # uvicorn is not followed by mypy
    """One connection. What `direct` answers, the application does not see."""

    def __init__(self, *args: Any, direct: Callable[[bytes], Answer | None] = lambda _: None, **named: Any) -> None:
        super().__init__(*args, **named)
        self._direct = direct
        self._is_reading, self._answered_at = False, float("-inf")

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take the connection."""
        super().connection_made(JoinedWrites(transport, self.loop))

    def data_received(self, data: bytes) -> None:
        """Answer at once where that is possible, between two requests that the application answers."""
        answer = self._direct(data) if self._is_between else None
        if answer is None:
            super().data_received(data)
            return
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._close_after(self.timeout_keep_alive)
        self.transport.write(answer.message)
        if not answer.waits:
            self.transport.flush()

    @property
    def _is_between(self) -> bool:
        return not self._is_reading and (self.cycle is None or self.cycle.response_complete)

    def on_message_begin(self) -> None:
        """A request has begun, of which the end may come later."""
        self._is_reading = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._is_reading = False
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was not used for so long, directly neither."""
        left_s = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._close_after(left_s)
        else:
            super().timeout_keep_alive_handler()

    def _close_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)
