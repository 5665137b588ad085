"""`PUT` and `GET /artifacts/{objectKey}` with a presigned URL: the only routes besides the login that want no key."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.emulator.apps import Apps
from flash_jupyter.emulator.artifacts import Artifacts
from flash_jupyter.emulator.problems import ARTIFACTS, Problem


class ArtifactsApi:
    """The routes, and what they need."""

    def __init__(self, apps: Apps, artifacts: Artifacts) -> None:
        self._apps, self._artifacts = apps, artifacts

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
        upload = self._apps.upload(key)
        digest = await self._artifacts.receive(upload, request.stream())
        return Response(headers={"ETag": f'"{digest}"'})

    async def _download(self, _: Request, key: str) -> Response:
        """GET - the artifact's bytes."""
        path = self._artifacts.path(self._apps.upload(key))
        if not path.is_file():
            raise Problem(404, f"flash artifact not found: {key}; it was never uploaded")
        return FileResponse(path, media_type="application/gzip")
