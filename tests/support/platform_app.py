"""A small control plane and queue as an ASGI app, for tests of the client: it holds endpoints, and answers what it is told."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flash_jupyter.settings import Backend

ORIGIN = "http://runpod.test"
BACKEND = Backend("runpod", ORIGIN, f"{ORIGIN}/v2", "key-0123456789", "environment variable RUNPOD_API_KEY")


class Platform:
    """Endpoints by id, the calls that were made, and the answers of `/status` that are still to be given.

    `gpus` is the catalogue; None: it answers 503. `create_answers` and `delete_answers` are statuses of the next ones;
    one that is written `-500` is answered so although it worked. `lag` says how many listings still show what was
    deleted. `healths` and `workers` are what an endpoint says of itself, by id; a health of None is a 400, workers of
    None are a 429. `date` is the control plane's clock.
    """

    def __init__(self) -> None:
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.volumes: dict[str, dict[str, Any]] = {}
        self.gpus: list[dict[str, Any]] | None = None
        self.create_answers: list[int] = []
        self.delete_answers: list[int] = []
        self.lag = 0
        self.healths: dict[str, dict[str, Any] | None] = {}
        self.workers: dict[str, list[dict[str, Any]] | None] = {}
        self.date = ""
        #: what `/billing/serverless` answers
        self.records: list[dict[str, Any]] = []
        self._ghosts: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.statuses: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)

    def add(self, body: dict[str, Any], *, created_at: str | None = None) -> dict[str, Any]:
        """Make an endpoint."""
        number = next(self._numbers)
        base = f"{ORIGIN}/v2/ep{number}"
        urls = {verb: f"{base}/{verb}/{{job_id}}" for verb in ("status", "stream", "cancel", "retry")}
        urls |= {"run": f"{base}/run", "runSync": f"{base}/runsync", "purgeQueue": f"{base}/purge-queue"}
        endpoint = {
            **body,
            "id": f"ep{number}",
            "createdAt": created_at or f"2026-01-01T00:00:{number:02}Z",
            "requestUrls": {**urls, "health": f"{base}/health"},
        }
        self.endpoints[endpoint["id"]] = endpoint
        return endpoint

    def app(self) -> Starlette:
        """Return the routes."""
        return Starlette(
            routes=[
                Route("/v2/serverless", self._collection, methods=["GET", "POST"]),
                Route("/v2/serverless/{id}", self._one, methods=["GET", "PATCH", "DELETE"]),
                Route("/v2/serverless/{id}/workers", self._list_workers),
                Route("/v2/catalog/gpus", self._catalog),
                Route("/v2/network-volumes", self._volumes, methods=["GET", "POST"]),
                Route("/v2/network-volumes/{id}", self._volume, methods=["DELETE"]),
                Route("/v2/billing/serverless", self._billing),
                Route("/v2/{id}/purge-queue", self._purge, methods=["POST"]),
                Route("/v2/{id}/cancel/{job}", self._status, methods=["POST"]),
                Route("/v2/{id}/run", self._run, methods=["POST"]),
                Route("/v2/{id}/status/{job}", self._status),
                Route("/v2/{id}/health", self._health),
            ]
        )

    def transport(self) -> httpx.ASGITransport:
        """Return the way to it without a network."""
        return httpx.ASGITransport(self.app())

    async def _collection(self, request: Request) -> Response:
        self.calls.append(request.method)
        if request.method == "GET":
            listed = [*self.endpoints.values(), *self._ghosts.values()]
            self.lag = max(0, self.lag - 1)
            if not self.lag:
                self._ghosts.clear()
            return JSONResponse({"endpoints": listed}, headers={"Date": self.date} if self.date else {})
        answer = self.create_answers.pop(0) if self.create_answers else 201
        if answer > 201:
            return _problem(answer)
        made = self.add(await request.json())
        return JSONResponse(made, status_code=201) if answer == 201 else _problem(-answer)

    async def _catalog(self, _request: Request) -> Response:
        self.calls.append("catalog")
        return _problem(503) if self.gpus is None else JSONResponse({"gpus": self.gpus})

    async def _volumes(self, request: Request) -> Response:
        self.calls.append(f"{request.method} volume")
        if request.method == "GET":
            return JSONResponse({"networkVolumes": list(self.volumes.values())})
        return JSONResponse(self.add_volume(**await request.json()), status_code=201)

    def add_volume(self, **body: Any) -> dict[str, Any]:
        """Make a volume."""
        volume = {"type": "STANDARD", **body, "id": f"vol{next(self._numbers)}"}
        self.volumes[volume["id"]] = volume
        return volume

    async def _volume(self, request: Request) -> Response:
        self.calls.append("DELETE volume")
        return Response(status_code=204) if self.volumes.pop(request.path_params["id"], None) else _problem(404)

    async def _one(self, request: Request) -> Response:
        self.calls.append(request.method)
        endpoint_id = request.path_params["id"]
        if endpoint_id not in self.endpoints:
            return JSONResponse({"title": "Not Found", "status": 404, "detail": "no endpoint"}, status_code=404)
        if request.method == "DELETE":
            return self._delete(endpoint_id)
        if request.method == "PATCH":
            self.endpoints[endpoint_id].update(await request.json())
        return JSONResponse(self.endpoints[endpoint_id])

    def _delete(self, endpoint_id: str) -> Response:
        answer = self.delete_answers.pop(0) if self.delete_answers else 204
        if answer <= 204:
            endpoint = self.endpoints.pop(endpoint_id)
            if self.lag:
                self._ghosts[endpoint_id] = endpoint
        return Response(status_code=204) if answer == 204 else _problem(abs(answer))

    async def _list_workers(self, request: Request) -> Response:
        self.calls.append("workers")
        listed = self.workers.get(request.path_params["id"], [])
        if listed is None:
            return Response(status_code=429, headers={"Retry-After": "59"})
        return JSONResponse({"workers": listed})

    async def _run(self, request: Request) -> Response:
        self.calls.append("run")
        if request.path_params["id"] not in self.endpoints:
            return JSONResponse({"error": "endpoint not found"}, status_code=404)
        return JSONResponse({"id": "job-u1", "status": "IN_QUEUE"})

    async def _status(self, request: Request) -> Response:
        self.calls.append("status")
        if request.path_params["id"] not in self.endpoints:
            return JSONResponse({"error": "endpoint not found"}, status_code=404)
        answer = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        code = answer.get("http", 200)
        return JSONResponse({"id": request.path_params["job"], **answer}, status_code=code)

    async def _billing(self, _request: Request) -> Response:
        self.calls.append("billing")
        return JSONResponse({"records": self.records, "metadata": {"totals": {}}})

    async def _purge(self, _request: Request) -> Response:
        self.calls.append("purge")
        return JSONResponse({"removed": 2, "status": "completed"})

    async def _health(self, request: Request) -> Response:
        self.calls.append("health")
        health = self.healths.get(request.path_params["id"], {"jobs": {"inQueue": 1}, "workers": {"throttled": 1}})
        return _problem(400) if health is None else JSONResponse(health)


def _problem(status: int) -> Response:
    return JSONResponse({"title": "Problem", "status": status, "detail": f"answered {status}"}, status_code=status)
