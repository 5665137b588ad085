"""The body of a request that is still coming in, and the moment in which its sender goes away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from starlette.types import Receive

#: so much is read ahead, so that the end of the connection is seen while a request waits for a worker
READ_AHEAD_BYTES = 256 * 1024


class TooLarge(Exception):
    """The body is larger than the limit."""


class Inbox:
    """Reads ahead a little; what is larger waits in the connection until somebody wants it."""

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive, self._limit_bytes = receive, limit_bytes
        self._pieces: deque[bytes] = deque()
        self._held = self._seen = 0
        self._complete = False
        self._changed = asyncio.Event()

    async def watch(self) -> None:
        """Read until the sender goes away; then return."""
        while True:
            while self._held >= READ_AHEAD_BYTES:
                await self._change()
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            piece = message.get("body", b"")
            self._seen += len(piece)
            self._held += len(piece)
            self._pieces.append(piece)
            self._complete = not message.get("more_body", False)
            self._changed.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes; raises `TooLarge` as soon as it is."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._held -= len(piece)
                self._changed.set()
                if self._seen > self._limit_bytes:
                    raise TooLarge
                if piece:
                    yield piece
            if self._complete:
                return
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
