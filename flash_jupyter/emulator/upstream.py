"""The way to the workers of load balancing endpoints: httpx, one connection a request.

Connections are not kept: one that the worker closes in the moment of its next use would look like a request that may
have been handled, and could not be sent again. Loaded when the first such worker starts, for httpx takes a third of a
second to import.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence

import httpx

from flash_jupyter.emulator.balancer import Broken, Refused
from flash_jupyter.emulator.machine import HOST

#: a health check that takes longer has failed
CHECK_TIMEOUT_S = 5.0
Headers = Sequence[tuple[bytes, bytes]]


class Upstream:
    """Sends requests to ports of this machine."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        # nothing of this is https, and certificates take long to load
        transport = httpx.AsyncHTTPTransport(verify=False, trust_env=False, limits=limits)
        self._client = httpx.AsyncClient(transport=transport, trust_env=False, timeout=None)

    async def check(self, port: int, path: str) -> int:
        """Return the status of a health check; raises `Refused` or `Broken`."""
        try:
            return (await self._client.get(f"http://{HOST}:{port}{path}", timeout=CHECK_TIMEOUT_S)).status_code
        except httpx.ConnectError as error:
            raise Refused(str(error)) from None
        except httpx.TimeoutException:
            raise Broken(f"no answer in {CHECK_TIMEOUT_S:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Broken(_words(error)) from None

    async def send(
        self, method: str, port: int, target: bytes, headers: Headers, body: AsyncIterable[bytes] | None
    ) -> httpx.Response:
        """Return the answer as soon as its headers are there; raises `Refused` or `Broken`.

        `target` is sent as it is: httpx would write some characters in another way.
        """
        request = httpx.Request(
            method, f"http://{HOST}:{port}/", headers=headers, content=body, extensions={"target": target}
        )
        try:
            return await self._client.send(request, stream=True)
        except httpx.ConnectError as error:
            raise Refused(str(error)) from None
        except httpx.HTTPError as error:
            raise Broken(_words(error)) from None

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


async def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield the answer's body as it comes, still encoded; raises `Broken`."""
    try:
        async for piece in response.aiter_raw():
            yield piece
    except httpx.HTTPError as error:
        raise Broken(_words(error)) from None


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
