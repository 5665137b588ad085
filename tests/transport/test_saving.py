"""An endpoint with one vCPU, which REST v2 refuses, is made over GraphQL and read over REST v2."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from platform_app import BACKEND

from flash_jupyter.errors import ApiError, QuotaError
from flash_jupyter.transport.control import Control
from flash_jupyter.transport.http import Http
from flash_jupyter.transport.refusals import may_have_worked
from flash_jupyter.transport.saving import save_input

BODY: dict[str, Any] = {
    "name": "small",
    "type": "LOAD_BALANCER",
    "env": {"A": "1", "FLASH_JUPYTER_CREATED": "2026-11-22T00:00:00Z"},
    "cpu": [{"id": "cpu3c", "vcpuCount": 1}, {"id": "cpu5c", "vcpuCount": 2}],
    "workers": {"min": 1, "max": 3, "idleTimeout": 60},
    "scaling": {"type": "REQUEST_COUNT", "requestCount": 4},
    "timeout": 600_000,
    "flashboot": "FLASHBOOT",
    "image": "runpod/flash-lb-cpu:py3.11-latest",
    "disk": 10,
    "dataCenterIds": ["EU-RO-1", "US-KS-2"],
    "networkVolumes": ["vol1"],
    "ports": ["80/http"],
}
SAVED: dict[str, Any] = {
    "name": "small",
    "type": "LB",
    "instanceIds": ["cpu3c-1-2", "cpu5c-2-4"],
    "workersMin": 1,
    "workersMax": 3,
    "idleTimeout": 60,
    "scalerType": "REQUEST_COUNT",
    "scalerValue": 4,
    "executionTimeoutMs": 600_000,
    "flashBootType": "FLASHBOOT",
    "locations": "EU-RO-1,US-KS-2",
    "networkVolumeId": "vol1",
    "template": {
        "name": "small__2026-11-22T00:00:00Z",
        "imageName": "runpod/flash-lb-cpu:py3.11-latest",
        "containerDiskInGb": 10,
        "ports": "80/http",
        "env": [{"key": "A", "value": "1"}, {"key": "FLASH_JUPYTER_CREATED", "value": "2026-11-22T00:00:00Z"}],
    },
}


def test_everything_that_rest_would_be_told_is_told_to_graphql() -> None:
    assert save_input(BODY) == SAVED


def test_what_was_not_said_is_left_out_and_several_volumes_are_a_list() -> None:
    body = {
        **{name: BODY[name] for name in ("name", "type", "cpu", "scaling")},
        "workers": {"min": 0, "max": 1},
        "networkVolumes": ["a", "b"],
    }
    saved = save_input(body)
    assert saved["networkVolumeIds"] == [{"networkVolumeId": "a"}, {"networkVolumeId": "b"}]
    assert not {"idleTimeout", "locations", "networkVolumeId", "templateId"} & set(saved)
    assert saved["template"] == {"name": "small__flash", "env": []}


def test_the_control_plane_makes_it_there_and_shows_what_rest_shows() -> None:
    asked: list[tuple[str, str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path, json.loads(request.content or b"{}").get("variables")))
        if request.url.path == "/graphql":
            return httpx.Response(200, json={"data": {"saveEndpoint": {"id": "ep1", "name": "small"}}})
        return httpx.Response(200, json={"id": "ep1", "name": "small", "type": "LOAD_BALANCER"})

    async def make() -> str:
        http = Http(BACKEND, transport=httpx.MockTransport(answer))
        try:
            return (await Control(http).create(BODY)).id
        finally:
            await http.aclose()

    assert asyncio.run(make()) == "ep1"
    assert asked == [("POST", "/graphql", {"input": SAVED}), ("GET", "/v2/serverless/ep1", None)]


def fail_to_make(answer: Any) -> ApiError:
    """Make it where the platform answers so, and return what is raised."""

    async def make() -> None:
        http = Http(BACKEND, transport=httpx.MockTransport(answer))
        try:
            await Control(http).create(BODY)
        finally:
            await http.aclose()

    with pytest.raises(ApiError) as caught:
        asyncio.run(make())
    return caught.value


def test_more_workers_than_the_account_may_have_are_a_quota_here_too() -> None:
    words = "Your worker concurrency cannot go beyond the maximum limit of (20)."
    failure = fail_to_make(lambda _request: httpx.Response(200, json={"errors": [{"message": words}]}))
    assert (type(failure), may_have_worked(failure)) == (QuotaError, False)
    assert str(failure) == (
        f"the account has no workers left for endpoint small ({words}); nothing was made\n"
        "  → ask for fewer (workers=1), or delete an endpoint: %flash endpoints, %flash undeploy NAME"
    )


@pytest.mark.parametrize("status", [404, 403, 400], ids=["it is not there yet", "the key may not", "a mistake"])
def test_what_was_made_and_can_not_be_read_may_have_worked(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/graphql":
            return httpx.Response(200, json={"data": {"saveEndpoint": {"id": "ep1", "name": "small"}}})
        return httpx.Response(status, json={"detail": "no"})

    failure = fail_to_make(answer)
    assert may_have_worked(failure)
    assert failure.message.startswith("endpoint small (ep1) was made, and can't be read: ")
