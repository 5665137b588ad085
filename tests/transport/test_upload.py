"""The presigned PUT: streamed, without our key, repeated where that can help."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import httpx
import pytest

from flash_jupyter.errors import ApiError, UnreachableError
from flash_jupyter.transport.http import Clock
from flash_jupyter.transport.upload import CHUNK_BYTES, upload_file

URL = "https://store.test/put?sig=very-secret"
Answer = int | dict[str, str] | type[httpx.TransportError]


class Store(httpx.AsyncBaseTransport):
    """Takes what is put, and answers as it is told."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.bodies: list[bytes] = []
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        self.bodies.append(b"".join([chunk async for chunk in request.stream]))
        answer = self._answers.pop(0)
        if isinstance(answer, type):
            raise answer("told very-secret", request=request)
        if isinstance(answer, dict):
            return httpx.Response(200, headers=answer, request=request)
        return httpx.Response(answer, request=request)


def put(store: Store, path: Path) -> tuple[str, list[tuple[int, int]], list[float]]:
    steps, pauses = list[tuple[int, int]](), list[float]()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    clock = Clock(sleep=sleep, random=lambda: 1.0)
    work = upload_file(URL, path, progress=lambda *step: steps.append(step), transport=store, clock=clock)
    return asyncio.run(work), steps, pauses


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "artifact.tar.gz"
    path.write_bytes(b"x" * (2 * CHUNK_BYTES + 1))
    return path


def test_it_is_streamed_with_its_length_and_without_a_key(bundle: Path) -> None:
    store = Store(204)
    digest, steps, _ = put(store, bundle)
    assert digest == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert steps == [(n, 2 * CHUNK_BYTES + 1) for n in (CHUNK_BYTES, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 1)]
    headers = store.requests[0].headers
    assert headers["Content-Length"] == str(2 * CHUNK_BYTES + 1)
    assert "Transfer-Encoding" not in headers
    assert "Authorization" not in headers


def test_a_cut_upload_starts_again_with_the_whole_file(bundle: Path) -> None:
    store = Store(httpx.WriteError, 503, 200)
    digest, _, pauses = put(store, bundle)
    assert pauses == [2.0, 4.0]
    assert store.bodies == [bundle.read_bytes()] * 3
    assert digest == hashlib.sha256(bundle.read_bytes()).hexdigest()


def test_it_is_given_up_after_three_attempts(bundle: Path) -> None:
    with pytest.raises(UnreachableError) as caught:
        put(Store(*[httpx.WriteError] * 3), bundle)
    assert str(caught.value) == (
        "the upload of artifact.tar.gz to store.test was cut: WriteError\n  → check the connection, then try again"
    )


def test_a_refusal_is_final_and_does_not_show_the_address(bundle: Path) -> None:
    with pytest.raises(ApiError) as caught:
        put(Store(403), bundle)
    assert str(caught.value) == (
        "store.test refused artifact.tar.gz (2,097,153 bytes) with 403\n"
        "  → the upload address may have expired; try again"
    )


WHOLE, OTHER = "{md5}", "0" * 32


@pytest.mark.parametrize(
    ("headers", "attempts"),
    [
        ({"ETag": f'"{WHOLE}"'}, 1),
        ({"ETag": f'"{OTHER}"'}, 2),
        ({"ETag": f'"{OTHER}-3"'}, 1),
        ({"ETag": f'"{OTHER}"', "x-amz-server-side-encryption": "aws:kms"}, 1),
        ({"ETag": f'"{OTHER}"', "x-amz-server-side-encryption": "AES256"}, 2),
        ({}, 1),
    ],
    ids=[
        "the MD5 of what was sent",
        "the MD5 of something else: sent again",
        "of a multipart upload: no MD5",
        "of an encrypted object: no MD5",
        "encrypted by the store's own key: the MD5",
        "nothing",
    ],
)
def test_a_store_is_held_to_what_it_says(headers: dict[str, str], attempts: int, bundle: Path) -> None:
    md5 = hashlib.md5(bundle.read_bytes(), usedforsecurity=False).hexdigest()
    store = Store({name: value.format(md5=md5) for name, value in headers.items()}, 200)
    put(store, bundle)
    assert len(store.bodies) == attempts


def test_a_store_that_gets_other_bytes_every_time_is_named(bundle: Path) -> None:
    with pytest.raises(ApiError) as caught:
        put(Store(*[{"ETag": f'"{OTHER}"'}] * 3), bundle)
    assert str(caught.value) == (
        "store.test has got other bytes than were sent of artifact.tar.gz\n"
        "  → try again; if it happens again, something on the way changes what is uploaded"
    )
