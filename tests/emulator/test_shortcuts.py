from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from flash_jupyter.emulator.shortcuts import Shortcuts


async def _parameters(request: Request) -> Response:
    return PlainTextResponse(" ".join(f"{name}={value}" for name, value in request.path_params.items()))


async def _long_way(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("the long way")(scope, receive, send)


ROUTES = [
    Route("/v2/{endpoint_id}/run", _parameters, methods=["POST"]),
    Route("/v2/{endpoint_id}/status/{job_id}", _parameters, methods=["GET"]),
    Route("/v2/{endpoint_id}/job-done/{worker_id}/{job_id}", _parameters, methods=["POST"]),
]

TABLE = [
    ("a route without more words", "POST", "/v2/ep/run", "endpoint_id=ep"),
    ("a route with one more", "GET", "/v2/ep/status/j-u1?ttl=10000", "endpoint_id=ep job_id=j-u1"),
    ("a route with two more", "POST", "/v2/ep/job-done/w/j", "endpoint_id=ep worker_id=w job_id=j"),
    ("another method", "GET", "/v2/ep/run", "the long way"),
    ("an endpoint that there is not", "POST", "/v2/serverless/run", "the long way"),
    ("too many words", "POST", "/v2/ep/run/more", "the long way"),
    ("a word that is empty", "GET", "/v2/ep/status/", "the long way"),
    ("a word with a slash in it", "GET", "/v2/ep/status/a%2Fb", "the long way"),
    ("another version", "POST", "/v1/ep/run", "the long way"),
    ("a short path", "GET", "/graphql", "the long way"),
]


@pytest.mark.parametrize(("method", "path", "answer"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_request_goes_to_its_route_or_the_long_way(method: str, path: str, answer: str) -> None:
    app = Shortcuts(_long_way, routes=ROUTES, endpoints={"ep"})

    async def ask() -> str:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as client:
            return (await client.request(method, path)).text

    assert asyncio.run(ask()) == answer
