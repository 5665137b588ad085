"""The recorded examples of `tests/contract`: each one request and its answer, with source and date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

FOLDER = Path(__file__).parents[1] / "contract"


def example(name: str) -> dict[str, Any]:
    """Return one example: `source`, `date`, `request`, `response`."""
    data: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return data


def answer(name: str) -> bytes:
    """Return the body of an example's answer."""
    body = example(name)["response"]["body"]
    return body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()


class Replay(httpx.AsyncBaseTransport):
    """Answers with the given examples, one after the other, and checks that each request is the recorded one."""

    def __init__(self, *names: str) -> None:
        self._names = list(names)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = self._names.pop(0)
        recorded = example(name)
        self.requests.append(request)
        assert request.method == recorded["request"]["method"]
        assert request.url.raw_path.decode().partition("?")[0] == recorded["request"]["path"].partition("?")[0]
        assert request.headers["Authorization"] == "Bearer $KEY"
        return httpx.Response(
            recorded["response"]["status"],
            headers=recorded["response"]["headers"],
            content=answer(name),
            request=request,
        )
