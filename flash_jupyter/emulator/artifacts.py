"""Artifacts of builds: presigned URLs, the files behind them, and what a worker gets of them.

A presigned URL stands for one method on one object until a time: `?expires=SECONDS&signature=HEX`. With one,
`/artifacts/{objectKey}` wants no key, which besides the login no other route allows.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from flash_jupyter import limits
from flash_jupyter.emulator.problems import ARTIFACTS, Problem
from flash_jupyter.emulator.tables import ArtifactUpload

_PARTIAL = ".part"


class Artifacts:
    """The folder of artifacts and the signatures; `secret` signs."""

    def __init__(self, folder: Path, *, secret: str, base_url: str, clock: Callable[[], float]) -> None:
        self._folder = folder / "artifacts"
        self._secret, self._base_url, self._clock = secret.encode(), base_url, clock
        for partial in self._folder.glob(f"*{_PARTIAL}"):  # uploads that the last server did not finish
            partial.unlink()

    def path(self, upload: ArtifactUpload) -> Path:
        """Return where an artifact is, or will be."""
        return self._folder / f"{upload.id}.tar.gz"

    # --- presigned URLs ----------------------------------------------------------------------------------------

    def presign(self, method: str, object_key: str, expires_at: float) -> str:
        """Return a URL that allows `method` on an object until a time."""
        expires = int(expires_at)
        signature = self._sign(method, object_key, expires)
        return f"{self._base_url}{ARTIFACTS}{quote(object_key)}?expires={expires}&signature={signature}"

    def check(self, method: str, object_key: str, expires: str, signature: str) -> None:
        """Raise `Problem` 403 when the signature is not ours or its time is over."""
        wanted = self._sign(method, object_key, int(expires)) if expires.isdecimal() and len(expires) < 16 else ""
        if not hmac.compare_digest(signature.encode(), wanted.encode()) or not wanted:
            raise Problem(403, "the signature of this URL is wrong")
        if self._clock() > int(expires):
            raise Problem(403, "this URL has expired")

    def _sign(self, method: str, object_key: str, expires: int) -> str:
        text = f"artifact {method} {expires} {object_key}"
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    # --- files -------------------------------------------------------------------------------------------------

    async def receive(self, upload: ArtifactUpload, chunks: AsyncIterator[bytes]) -> str:
        """Write an upload and return its MD5; nothing is left when it breaks off or has another length.

        Raises `Problem`.
        """
        digest = hashlib.md5(usedforsecurity=False)
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f"{upload.id}-{os.urandom(4).hex()}{_PARTIAL}"
        try:
            with partial.open("wb") as file:
                async for chunk in chunks:
                    if file.tell() + len(chunk) > upload.size:
                        raise Problem(400, f"the upload has more than the {upload.size} bytes that were announced")
                    file.write(chunk)
                    digest.update(chunk)
                received = file.tell()
            if received != upload.size:
                raise Problem(400, f"the upload has {received} bytes, but {upload.size} were announced")
            partial.replace(self.path(upload))
            return digest.hexdigest()
        finally:
            partial.unlink(missing_ok=True)

    def remove(self, upload: ArtifactUpload) -> None:
        """Delete an artifact's file, if it came."""
        self.path(upload).unlink(missing_ok=True)


def artifact_path(home: Path) -> Path:
    """Return where the platform puts the artifact in a worker's HOME."""
    return home / ".runpod" / "artifact.tar.gz"


def give_to_worker(artifact: Path | None, home: Path) -> None:
    """Put an artifact into a worker's HOME, as a hard link where that is possible; None takes the old one away."""
    place = artifact_path(home)
    if artifact is None:
        place.unlink(missing_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_suffix(_PARTIAL)
    fresh.unlink(missing_ok=True)
    try:
        fresh.hardlink_to(artifact)
    except OSError:
        shutil.copyfile(artifact, fresh)
    fresh.replace(place)


def check_size(size: int) -> None:
    """Raise `Problem` for an artifact that the platform would not take."""
    if not 0 < size <= limits.ARTIFACT_BYTES:
        raise Problem(400, f"tarballSize must be 1 to {limits.ARTIFACT_BYTES} bytes, not {size}")


class ArtifactsApi:
    """The routes; `find` looks for an upload by its object key."""

    def __init__(self, find: Callable[[str], ArtifactUpload], artifacts: Artifacts) -> None:
        self._find, self._artifacts = find, artifacts

    def routes(self) -> list[Route]:
        """Return the one path with its two methods."""
        return [Route(f"{ARTIFACTS}{{object_key:path}}", self._answer, methods=["PUT", "GET"])]

    async def _answer(self, request: Request) -> Response:
        key, query = request.path_params["object_key"], request.query_params
        method = "GET" if request.method == "HEAD" else request.method
        try:
            self._artifacts.check(method, key, query.get("expires", ""), query.get("signature", ""))
            return await (self._upload if method == "PUT" else self._download)(request, key)
        except Problem as problem:
            return JSONResponse({"error": problem.detail}, problem.status)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it

    async def _upload(self, request: Request, key: str) -> Response:
        """PUT - the artifact's bytes, as many as were announced; answers with their MD5 as S3 does."""
        digest = await self._artifacts.receive(self._find(key), request.stream())
        return Response(headers={"ETag": f'"{digest}"'})

    async def _download(self, _: Request, key: str) -> Response:
        """GET - the artifact's bytes."""
        path = self._artifacts.path(self._find(key))
        if not path.is_file():
            raise Problem(404, f"flash artifact not found: {key}; it was never uploaded")
        return FileResponse(path, media_type="application/gzip")
