"""Putting an artifact where a presigned URL says: streamed from its file, without our key, checked on the way.

The URL is a key of its own: it is in no error. A PUT may be repeated: the same bytes again are the same object. A store
that says what it has got, as S3 does with an ETag, is held to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

import httpx

from flash_jupyter.errors import ApiError, UnreachableError
from flash_jupyter.transport.http import Clock, Retry
from flash_jupyter.transport.loop import within

CHUNK_BYTES = 1 << 20
#: as the released client: three attempts; a whole upload may take 600 s (flash-wire reference, 2)
UPLOAD_RETRY = Retry(attempts=3, first_s=2.0, cap_s=30.0)
DEADLINE_S = 600.0
SILENCE_S = 60.0
_MD5 = re.compile(r'"?([0-9a-f]{32})"?')

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
                return await within(_put(client, url, path, progress), DEADLINE_S)
            except ApiError as failure:
                attempt += 1
                is_refused = 300 <= failure.status < 500  # below: taken, but damaged on the way
                passes = isinstance(failure, UnreachableError) or not is_refused
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
    total, digest, md5 = path.stat().st_size, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    headers = {"Content-Type": "application/gzip", "Content-Length": str(total)}
    host = httpx.URL(url).host
    try:
        with path.open("rb") as file:
            async with aclosing(_chunks(file, total, (digest.update, md5.update), progress)) as content:
                response = await client.put(url, content=content, headers=headers)
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
    if _received(response.headers) not in (None, md5.hexdigest()):
        raise ApiError(
            f"{host} has got other bytes than were sent of {path.name}",
            status=response.status_code,
            fix="try again; if it happens again, something on the way changes what is uploaded",
        )
    return digest.hexdigest()


def _received(headers: httpx.Headers) -> str | None:
    """Return the MD5 of what a store has got, as hex; None where it does not say.

    Of an object that the store encrypts with a key of its own the ETag is no MD5 (S3 docs, Object, 22 Nov 2026).
    """
    algorithm = headers.get("x-amz-server-side-encryption", "AES256")
    if algorithm != "AES256" or "x-amz-server-side-encryption-customer-algorithm" in headers:
        return None
    match = _MD5.fullmatch(headers.get("ETag", ""))
    return match[1] if match else None


async def _chunks(
    file: BinaryIO, total: int, look: tuple[Callable[[bytes], None], ...], progress: Progress
) -> AsyncGenerator[bytes, None]:
    """Read the file piece by piece, off the loop."""
    sent = 0
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        for each in look:
            each(chunk)
        yield chunk
        sent += len(chunk)
        progress(sent, total)
