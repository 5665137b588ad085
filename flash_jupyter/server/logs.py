"""Logs as server-sent events, which follow until there is no more to come, or the client goes.

`log` events have text, an `end` says why nothing more comes, an `error` what went wrong on the way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.iostream import StreamClosedError
from tornado.web import authenticated

from flash_jupyter.errors import FlashError
from flash_jupyter.server.base import ApiHandler
from flash_jupyter.server.errors import document_of

LINES, LINES_MAX = 100, 5_000
#: a line that says nothing keeps proxies from closing a silent stream
HEARTBEAT_S = 15.0

#: an event's name, and its data
Said = tuple[str, dict[str, Any]]


class StreamHandler(ApiHandler):
    """Base of what is followed."""

    _sending: asyncio.Task[None] | None = None

    async def send(self, said: AsyncGenerator[Said, None]) -> None:
        """Send what is said, as it comes; returns when that has ended, or the client has gone."""
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # nginx, as in many hubs, would wait for more
        self._sending = asyncio.ensure_future(self._send(said))
        await asyncio.wait({self._sending})
        if not self._sending.cancelled():
            self._sending.result()

    def on_connection_close(self) -> None:
        """The client has gone: nothing is read any more."""
        if self._sending is not None:
            self._sending.cancel()
        super().on_connection_close()

    async def _send(self, said: AsyncGenerator[Said, None]) -> None:
        coming = asyncio.ensure_future(anext(said, None))
        try:
            await self.flush()
            while True:
                await asyncio.wait({coming}, timeout=HEARTBEAT_S)
                if not coming.done():
                    self.write(": still here\n\n")
                elif (event := coming.result()) is None:
                    return
                else:
                    self._write_event(*event)
                    coming = asyncio.ensure_future(anext(said, None))
                await self.flush()
        except StreamClosedError:
            return
        except FlashError as error:
            self._write_event("error", document_of(error))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await said.aclose()

    def _write_event(self, name: str, data: dict[str, Any]) -> None:
        self.write(f"event: {name}\ndata: {json.dumps(data)}\n\n")


class EndpointLogsHandler(StreamHandler):
    """`/endpoints/{backend}/{id}/logs`."""

    @authenticated
    @authorized
    async def get(self, backend: str, id: str) -> None:  # noqa: A002 - the path's own word
        """Follow what all its workers say, new ones too, until it is deleted."""
        name, tail = self.backend(backend), self.number("tail", default=LINES, most=LINES_MAX)
        async with self.desk.service() as service:
            await self.send(await service.endpoint_log(name, id, tail))


class JobLogsHandler(StreamHandler):
    """`/jobs/{id}/logs`."""

    @authenticated
    @authorized
    async def get(self, id: str) -> None:  # noqa: A002
        """Follow what a job prints, from its beginning, until it is over."""
        async with self.desk.service() as service:
            await self.send(await service.job_log(id))
