"""Putting an artifact where a presigned URL says: streamed from its file, without our key, checked on the way.

The URL is a key of its own: it is in no error. A PUT may be repeated: the same bytes again are the same object.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx

from flash_jupyter.errors import ApiError, UnreachableError
from flash_jupyter.transport.http import Clock, Retry

CHUNK_BYTES = 1 << 20
#: as the released client: three attempts; a whole upload may take 600 s (flash-wire reference, 2)
UPLOAD_RETRY = Retry(attempts=3, first_s=2.0, cap_s=30.0)
DEADLINE_S = 600.0
SILENCE_S = 60.0

#: told how many bytes are sent, of how many
Progress = Callable[[int, int], None]


async def upload_file(
    url: str,
    path: Path,
    *,
    progress: Progress = lambda _sent, _total: None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> str:
    """Send the file and return the SHA-256 of the bytes that were sent, as hex.

    `progress` starts again with every attempt. Raises `ApiError` where the store refuses, and `UnreachableError`.
    """
    clock = clock or Clock()
    host = httpx.URL(url).host
    async with httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(SILENCE_S, connect=10.0)) as client:
        attempt = 0
        while True:
            try:
                return await asyncio.wait_for(_put(client, url, path, progress), DEADLINE_S)
            except ApiError as failure:
                attempt += 1
                passes = isinstance(failure, UnreachableError) or failure.status >= 500
                if attempt >= UPLOAD_RETRY.attempts or not passes:
                    raise
            except asyncio.TimeoutError:
                raise UnreachableError(
                    f"the upload of {path.name} to {host} took longer than {DEADLINE_S:.0f} s",
                    detail="Deadline",
                    fix="check the connection, or make the bundle smaller",
                ) from None
            await clock.sleep(UPLOAD_RETRY.pause_s(attempt - 1, clock.random()))


async def _put(client: httpx.AsyncClient, url: str, path: Path, progress: Progress) -> str:
    total, digest = path.stat().st_size, hashlib.sha256()
    headers = {"Content-Type": "application/gzip", "Content-Length": str(total)}
    host = httpx.URL(url).host
    try:
        response = await client.put(url, content=_chunks(path, total, digest.update, progress), headers=headers)
    except httpx.TransportError as failure:
        raise UnreachableError(
            f"the upload of {path.name} to {host} was cut: {type(failure).__name__}",
            detail=type(failure).__name__,
            fix="check the connection, then try again",
        ) from None
    if response.status_code >= 300:
        raise ApiError(
            f"{host} refused {path.name} ({total:,} bytes) with {response.status_code}",
            status=response.status_code,
            fix="the upload address may have expired; try again",
        )
    return digest.hexdigest()


async def _chunks(path: Path, total: int, look: Callable[[bytes], None], progress: Progress) -> AsyncIterator[bytes]:
    """Read the file piece by piece, off the loop."""
    sent = 0
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            look(chunk)
            yield chunk
            sent += len(chunk)
            progress(sent, total)
