"""Endpoints over the routes: of both Runpods, with what each costs and whose it is, and their removal."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from jupyter_user import Ask, User, until
from platform_app import BACKEND
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from flash_jupyter.server.desk import Desk
from flash_jupyter.session.local import local_info
from flash_jupyter.states import JobState

ASLEEP = {"name": "local", "state": "asleep", "error": None}
READY = {"name": "runpod", "state": "ready", "error": None}
LABELS = {"FLASH_JUPYTER_OWNER": "ann", "FLASH_JUPYTER_CREATED": "2026-11-20T10:00:00Z"}


async def test_a_listing_says_what_runs_and_what_it_costs(ask: Ask, user: User) -> None:
    user.platform.add(
        {"name": "trainer", "type": "QUEUE", "gpu": {"pools": ["ADA_24"], "count": 2}, "env": LABELS, "workers": {}}
    )
    user.platform.healths["ep1"] = {"jobs": {"inQueue": 3, "inProgress": 2}, "workers": {"running": 2, "idle": 1}}
    user.job("fj-1", endpoint_id="ep1", notebook="notebooks/train.ipynb", state=JobState.IN_PROGRESS)
    answer = await ask("GET", "/endpoints")
    assert answer.status == 200
    document = answer.document
    assert document["backends"] == [ASLEEP, READY]
    assert document["endpoints"] == [
        {
            "name": "trainer",
            "id": "ep1",
            "backend": "runpod",
            "type": "QUEUE",
            "hardware": "2 x ADA_24",
            "state": "running",
            "workers": "1 idle, 2 running",
            "worker_counts": {"idle": 1, "initializing": 0, "running": 2, "throttled": 0, "unhealthy": 0},
            "jobs": "3 queued, 2 running",
            "job_counts": {"queued": 3, "running": 2},
            "owner": "ann",
            "whose": "ours",
            "notebook": "notebooks/train.ipynb",
            "last_job_at": "2026-11-22T10:00:00Z",
            "created_at": "2026-11-20T10:00:00Z",
            "expires_at": "",
            "usd_per_hour": 2.232,
            "billed_workers": 2,
            "usd_per_hour_now": 4.464,
        }
    ]
    assert (document["usd_per_hour"], document["billed_workers"]) == (4.464, 2)
    assert user.platform.calls == ["GET", "health"], "one call of the control plane"


async def test_one_that_has_expired_and_has_no_job_is_an_orphan(ask: Ask, user: User) -> None:
    expired = {**LABELS, "FLASH_JUPYTER_EXPIRES": "2026-11-21T10:00:00Z"}
    for name in ("left", "busy"):
        user.platform.add({"name": name, "type": "QUEUE", "env": expired})
        user.platform.healths[f"ep{len(user.platform.endpoints)}"] = {"jobs": {}, "workers": {"idle": 1}}
    user.job("fj-1", endpoint_id="ep2", state=JobState.IN_QUEUE)
    user.platform.add({"name": "foreign", "type": "LOAD_BALANCER", "workers": {"min": 1}})
    listed = (await ask("GET", "/endpoints")).document
    assert [each["whose"] for each in listed["endpoints"]] == ["orphan", "ours", "others"]
    assert [each["state"] for each in listed["endpoints"]] == ["ready", "ready", None]
    assert [each["usd_per_hour_now"] for each in listed["endpoints"]] == [0.0, 0.0, None], "an active worker, no price"
    assert (listed["usd_per_hour"], listed["billed_workers"]) == (0.0, 1)


async def test_without_a_key_the_cloud_is_not_asked(ask: Ask, user: User) -> None:
    user.settings = replace(user.settings, api_key=None, key_origin="", backend="local")
    listed = (await ask("GET", "/endpoints")).document
    assert listed["backends"] == [ASLEEP, {"name": "runpod", "state": "no key", "error": None}]
    assert listed["endpoints"] == []
    assert user.platform.calls == []
    refused = await ask("DELETE", "/endpoints/runpod/ep1")
    assert refused.status == 409
    assert refused.document == {
        "type": "SettingsError",
        "message": "there is no Runpod API key",
        "fix": "set RUNPOD_API_KEY (in the environment or in .env), or use backend=local, which needs none",
        "status": 409,
    }


async def test_nothing_is_started_to_be_asked_what_it_has(ask: Ask, user: User) -> None:
    for path in ("/about", "/endpoints", "/jobs", "/costs", "/local"):
        assert (await ask("GET", path)).status == 200
    assert (await ask("DELETE", "/endpoints?backend=local")).document == {"deleted": []}
    for verb, path in (("DELETE", ""), ("GET", "/workers"), ("POST", "/purge"), ("GET", "/logs")):
        answer = await ask(verb, f"/endpoints/local/ep1{path}")
        assert (answer.status, answer.document["message"]) == (502, "the embedded Runpod does not run")
        assert answer.document["fix"] == "start it: flash local start"
    assert local_info(user.settings) is None
    assert not user.settings.local_dir.exists()


async def test_workers(ask: Ask, user: User) -> None:
    user.platform.add({"name": "trainer"})
    user.platform.workers["ep1"] = [
        {"id": "w1", "status": "RUNNING", "gpuTypeId": "NVIDIA L4", "dataCenterId": "EU-RO-1", "uptimeSeconds": 12},
        {"id": "w2", "status": "THROTTLED", "isStale": True},
    ]
    answer = await ask("GET", "/endpoints/runpod/ep1/workers")
    placed = {"id": "w1", "state": "RUNNING", "is_stale": False, "gpu": "NVIDIA L4", "data_center": "EU-RO-1"}
    waiting = {"id": "w2", "state": "THROTTLED", "is_stale": True, "gpu": None, "data_center": None}
    assert answer.document == {"workers": [{**placed, "uptime_s": 12}, {**waiting, "uptime_s": None}]}


async def test_undeploy_and_purge(ask: Ask, user: User) -> None:
    for name in ("one", "two"):
        user.platform.add({"name": name, "type": "QUEUE", "env": LABELS})
    user.platform.add({"name": "bobs", "env": {"FLASH_JUPYTER_OWNER": "bob"}})
    assert (await ask("POST", "/endpoints/runpod/ep1/purge")).document == {"removed": 2}
    assert (await ask("DELETE", "/endpoints/runpod/ep1")).document == {"deleted": ["one"]}
    missing = await ask("DELETE", "/endpoints/runpod/ep1")
    assert (missing.status, missing.document["message"]) == (404, "there is no endpoint ep1")
    assert missing.document["fix"] == "choose one of: bobs, two"
    assert (await ask("DELETE", "/endpoints?backend=runpod")).document == {"deleted": ["two"]}
    assert [each["name"] for each in user.platform.endpoints.values()] == ["bobs"]


@pytest.mark.parametrize("query", ["", "?backend=", "?backend=all", "?backend=RUNPOD"])
async def test_all_are_deleted_of_one_runpod_that_is_named(query: str, ask: Ask, user: User) -> None:
    user.platform.add({"name": "kept", "env": LABELS})
    refused = await ask("DELETE", f"/endpoints{query}")
    assert (refused.status, refused.document["fix"]) == (400, "write local or runpod")
    assert list(user.platform.endpoints) == ["ep1"]


#: what the platform answers with -> our error's type, the beginning of its text
REFUSALS: dict[int, tuple[str, str]] = {
    401: ("AuthenticationError", "401: the key from environment variable RUNPOD_API_KEY was refused"),
    403: ("NotAllowedError", "403: the key from environment variable RUNPOD_API_KEY may not do this"),
    402: ("OutOfMoneyError", "402: the account's balance is too low"),
    404: ("NotFoundError", "GET /v2/serverless/ep1/workers answered 404"),
    429: ("RateLimitedError", "GET /v2/serverless/ep1/workers answered 429"),
    500: ("ApiError", "GET /v2/serverless/ep1/workers answered 500"),
}


def refusing(status: int) -> httpx.ASGITransport:
    """A platform that refuses everything, and tells the key for good measure."""

    async def refuse(_request: Request) -> JSONResponse:
        problem = {"title": "no", "detail": f"said {BACKEND.api_key}"}
        return JSONResponse(problem, status_code=status, headers={"Retry-After": "90"})

    return httpx.ASGITransport(Starlette(routes=[Route("/{path:path}", refuse, methods=["GET", "POST", "DELETE"])]))


@pytest.mark.parametrize("status", REFUSALS)
async def test_an_error_keeps_its_status_and_its_text(status: int, ask: Ask, user: User) -> None:
    kind, text = REFUSALS[status]
    user.transport = refusing(status)
    answer = await ask("GET", "/endpoints/runpod/ep1/workers")
    assert answer.status == status
    assert answer.document["type"] == kind
    assert answer.document["message"].startswith(text)
    assert "said …" in answer.document["message"], "the key is taken out"
    listed = (await ask("GET", "/endpoints")).document
    assert [each["state"] for each in listed["backends"]] == ["asleep", "failed"]
    assert listed["backends"][1]["error"]["status"] == status


class Held(httpx.AsyncBaseTransport):
    """A way to the platform that takes long."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.is_asked = self.is_free = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.is_asked = True
        while not self.is_free:
            await asyncio.sleep(0.01)
        return await self._inner.handle_async_request(request)


async def test_while_one_answer_is_slow_others_come(ask: Ask, user: User, jp_fetch: Any) -> None:
    user.platform.add({"name": "one"})
    user.transport = held = Held(user.platform.transport())
    slow = [
        asyncio.ensure_future(ask("GET", path)) for path in ("/endpoints", "/costs", "/endpoints/runpod/ep1/workers")
    ]
    await until(lambda: held.is_asked)
    assert (await ask("GET", "/jobs")).document == {"jobs": []}
    assert (await ask("GET", "/about")).status == 200
    assert (await jp_fetch("api", "status")).code == 200, "Jupyter's own routes too"
    assert not any(answer.done() for answer in slow)
    held.is_free = True
    assert [answer.status for answer in await asyncio.gather(*slow)] == [200, 200, 200]


async def test_about_says_where_the_key_is_from_and_not_the_key(ask: Ask, user: User, desk: Desk) -> None:
    from flash_jupyter import __version__

    assert (await ask("GET", "/about")).document == {
        "version": __version__,
        "owner": "ann",
        "backend": "runpod",
        "key_origin": "environment variable RUNPOD_API_KEY",
        "backends": [{"name": "local", "state": "asleep"}, {"name": "runpod", "state": "ready"}],
    }
    assert user.platform.calls == []
