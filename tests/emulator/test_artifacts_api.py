"""Presigned upload and download: what a URL allows, for how long, and that a broken upload leaves nothing."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import ask
from emulated import Api

from flash_jupyter import limits
from flash_jupyter.emulator.tables import ArtifactUpload


@pytest.fixture
def prepared(api: Api) -> dict[str, Any]:
    return prepare(api, 8)


def prepare(api: Api, size: int) -> dict[str, Any]:
    app = ask(api, "createFlashApp", input={"name": f"app-{size}"})["id"]
    answer: dict[str, Any] = ask(api, "PrepareArtifactUpload", input={"flashAppId": app, "tarballSize": size})
    return answer


def put(api: Api, url: str, content: Any = b"artifact") -> httpx.Response:
    return api.request("PUT", url, content=content, headers={"Content-Type": "application/gzip"})


def files(api: Api) -> list[Path]:
    folder = api.config.folder / "artifacts"
    return list(folder.iterdir()) if folder.exists() else []


def url_for(api: Api, method: str, key: str) -> str:
    return str(api.emulator.artifacts.presign(method, key, api.clock.now + 60))


def test_what_was_uploaded_is_downloaded(api: Api, prepared: dict[str, Any]) -> None:
    answer = put(api, prepared["uploadUrl"])
    assert (answer.status_code, answer.content) == (200, b"")
    got = api.get(url_for(api, "GET", prepared["objectKey"]), headers={})
    assert (got.status_code, got.content, got.headers["Content-Type"]) == (200, b"artifact", "application/gzip")


def test_an_upload_answers_with_its_md5_as_s3_does(api: Api, prepared: dict[str, Any]) -> None:
    assert put(api, prepared["uploadUrl"]).headers["ETag"] == f'"{hashlib.md5(b"artifact").hexdigest()}"'


def test_the_last_of_two_uploads_counts(api: Api, prepared: dict[str, Any]) -> None:
    """A released client sends again after a lost connection."""
    put(api, prepared["uploadUrl"])
    put(api, prepared["uploadUrl"], b"ARTIFACT")
    assert [path.read_bytes() for path in files(api)] == [b"ARTIFACT"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"artifac", "the upload has 7 bytes, but 8 were announced"),
        (b"artifacts", "the upload has more than the 8 bytes that were announced"),
        (b"", "the upload has 0 bytes, but 8 were announced"),
    ],
)
def test_an_upload_of_another_size_leaves_nothing(
    api: Api, prepared: dict[str, Any], content: bytes, message: str
) -> None:
    answer = put(api, prepared["uploadUrl"], content)
    assert (answer.status_code, answer.json()) == (400, {"error": message})
    assert files(api) == []


def test_an_upload_that_breaks_off_leaves_nothing(api: Api, prepared: dict[str, Any]) -> None:
    upload = api.call(lambda: api.emulator.apps.upload(prepared["objectKey"]))

    async def broken() -> AsyncIterator[bytes]:
        yield b"arti"
        assert len(files(api)) == 1
        raise ConnectionResetError

    async def receive(upload: ArtifactUpload) -> None:
        with pytest.raises(ConnectionResetError):
            await api.emulator.artifacts.receive(upload, broken())

    api.wait(receive(upload))
    assert files(api) == []


@pytest.mark.parametrize("size", [0, -1, limits.ARTIFACT_BYTES + 1])
def test_an_artifact_of_a_size_that_the_platform_does_not_take(api: Api, size: int) -> None:
    app = ask(api, "createFlashApp", input={"name": "shop"})["id"]
    query = "mutation p($input: PrepareFlashArtifactUploadInput!) { prepareFlashArtifactUpload(input: $input) { uploadUrl } }"
    body = {"query": query, "variables": {"input": {"flashAppId": app, "tarballSize": size}}}
    (error,) = api.post("/graphql", json=body).json()["errors"]
    assert error["message"] == f"tarballSize must be 1 to 1572864000 bytes, not {size}"


def test_a_url_expires(api: Api, prepared: dict[str, Any]) -> None:
    api.clock.now += limits.UPLOAD_URL_S + 1
    answer = put(api, prepared["uploadUrl"])
    assert (answer.status_code, answer.json()) == (403, {"error": "this URL has expired"})
    assert files(api) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("signature=", "signature=0"),
        ("expires=17", "expires=27"),
        ("expires=", "expires=x"),
        ("&signature=", "&nothing="),
        ("/artifacts/flash/", "/artifacts/"),
        (".tar.gz", ".tar"),
        ("/artifacts/", "/artifacts/../"),
    ],
)
def test_a_forged_url_is_refused(api: Api, prepared: dict[str, Any], old: str, new: str) -> None:
    answer = put(api, prepared["uploadUrl"].replace(old, new))
    assert answer.status_code in {401, 403}
    assert files(api) == []


def test_a_url_allows_one_method(api: Api, prepared: dict[str, Any]) -> None:
    refused = {"error": "the signature of this URL is wrong"}
    assert put(api, url_for(api, "GET", prepared["objectKey"])).json() == refused
    put(api, prepared["uploadUrl"])
    assert api.get(prepared["uploadUrl"], headers={}).json() == refused


def test_a_download_of_what_never_came(api: Api, prepared: dict[str, Any]) -> None:
    answer = api.get(url_for(api, "GET", prepared["objectKey"]), headers={})
    text = f"flash artifact not found: {prepared['objectKey']}; it was never uploaded"
    assert (answer.status_code, answer.json()) == (404, {"error": text})


def test_an_upload_that_never_became_a_build_is_forgotten_when_its_url_has_expired(
    api: Api, prepared: dict[str, Any]
) -> None:
    put(api, prepared["uploadUrl"])
    assert len(files(api)) == 1
    api.clock.now += limits.UPLOAD_URL_S + 1
    prepare(api, 9)
    assert files(api) == []


def test_a_new_server_removes_what_the_last_one_did_not_finish(tmp_path: Path) -> None:
    partial = tmp_path / "artifacts" / "abc-1.part"
    partial.parent.mkdir()
    partial.write_bytes(b"arti")
    with Api(tmp_path) as api:
        assert files(api) == []


def test_a_large_upload_is_written_as_it_comes(api: Api) -> None:
    prepared = prepare(api, 3 << 20)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(1 << 20)
            await asyncio.sleep(0)

    assert put(api, prepared["uploadUrl"], pieces()).status_code == 200
    assert files(api)[0].stat().st_size == 3 << 20
