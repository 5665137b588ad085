"""Telling a client's `webhook` that its job has ended: the document of `/status`, by POST (Runpod docs, send-requests).

200 is expected; otherwise there are two more tries, ten seconds apart. A webhook that fails never disturbs its job, and
one that is still to be tried when the server ends is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from flash_jupyter import limits

if TYPE_CHECKING:
    import httpx

Sleep = Callable[[float], Awaitable[None]]


class Webhooks:
    """Deliveries under way. `transport` and `sleep` are given by tests."""

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None = None, sleep: Sleep = asyncio.sleep) -> None:
        self._transport, self._sleep = transport, sleep
        self._client: httpx.AsyncClient | None = None
        self._deliveries: set[asyncio.Task[None]] = set()

    def send(self, url: str, document: bytes) -> None:
        """Begin a delivery; returns at once."""
        delivery = asyncio.get_running_loop().create_task(self._deliver(url, document))
        self._deliveries.add(delivery)
        delivery.add_done_callback(self._deliveries.discard)

    async def close(self) -> None:
        """Give up what is under way."""
        for delivery in self._deliveries:
            delivery.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def _deliver(self, url: str, document: bytes) -> None:
        for number in range(1, limits.WEBHOOK_TRIES + 1):
            failure = await self._post(url, document)
            if failure is None:
                return
            logging.getLogger(__name__).warning("webhook %s, try %d: %s", url, number, failure)
            if number < limits.WEBHOOK_TRIES:
                await self._sleep(limits.WEBHOOK_PAUSE_S)

    async def _post(self, url: str, document: bytes) -> str | None:
        """Return why it did not arrive, or None."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(transport=self._transport, timeout=limits.WEBHOOK_TIMEOUT_S)
        try:
            answer = await self._client.post(url, content=document, headers={"Content-Type": "application/json"})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.status_code == httpx.codes.OK else f"status {answer.status_code}"
