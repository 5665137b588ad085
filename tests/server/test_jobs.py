"""The jobs of this machine over the routes, and their end."""

from __future__ import annotations

import pytest
from jupyter_user import Ask, User

from flash_jupyter.states import JobState


async def test_jobs_come_newest_first(ask: Ask, user: User) -> None:
    user.job("fj-1", platform_id="p1", endpoint_id="ep1", name="trainer", notebook="/a.ipynb", source="secret = 1")
    user.store.finish("fj-1", JobState.FAILED, error="ValueError: no", cost_usd=0.25, worker_id="w1")
    user.job("fj-2", created_at="2026-11-22T11:00:00.500Z", state=JobState.IN_QUEUE, backend="local", kind="call")
    answer = await ask("GET", "/jobs")
    waiting, failed = answer.document["jobs"]
    assert (waiting["id"], waiting["is_open"], waiting["seconds"], waiting["kind"]) == ("fj-2", True, None, "call")
    assert (failed["id"], failed["is_open"], failed["state"]) == ("fj-1", False, "FAILED")
    assert (failed["error"], failed["cost_usd"], failed["worker_id"]) == ("ValueError: no", 0.25, "w1")
    assert failed["seconds"] > 0
    assert "secret" not in answer.text, "the source of a cell stays here"
    assert (await ask("GET", "/jobs?limit=1")).document["jobs"] == [waiting]
    assert (await ask("GET", "/jobs/fj-1")).document == failed
    assert (await ask("GET", "/jobs/p1")).document == failed, "the platform's id does too"


@pytest.mark.parametrize("kind", ["cell", "call", "handler", "deployed", "deployed-plain"])
async def test_each_kind_of_job_is_one_that_is_described(kind: str, ask: Ask, user: User) -> None:
    user.job("fj-1", kind=kind)
    assert (await ask("GET", "/jobs/fj-1")).document["kind"] == kind.removesuffix("-plain")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many", "", "1.5", "٣", "9" * 5000])
async def test_a_limit_that_can_not_be_meant(limit: str, ask: Ask) -> None:
    answer = await ask("GET", f"/jobs?limit={limit if limit.isascii() else '%D9%A3'}")
    assert (answer.status, answer.document["type"]) == (400, "BadRequestError")
    assert answer.document["fix"] == "write a whole number from 1 to 1000"


@pytest.mark.parametrize("path", ["/jobs/fj-", "/jobs/fj-2", "/jobs/%2e%2e%2fjobs.sqlite", "/jobs/fj-%00"])
@pytest.mark.parametrize("what", ["", "/logs"])
async def test_a_job_is_named_by_its_whole_id(path: str, what: str, ask: Ask, user: User) -> None:
    user.job("fj-1")
    answer = await ask("GET", path + what)
    assert (answer.status, answer.document["type"]) == (404, "OptionError")
    assert answer.document["message"].startswith("there is no job ")


async def test_a_job_of_a_kernel_that_is_gone_can_be_cancelled(ask: Ask, user: User) -> None:
    endpoint = user.platform.add({"name": "trainer", "type": "QUEUE", "gpu": {"pools": ["ADA_24"]}})
    user.job("fj-1", platform_id="p1", endpoint_id=endpoint["id"], name="trainer", state=JobState.IN_QUEUE)
    user.platform.statuses = [{"status": "CANCELLED"}]
    answer = await ask("POST", "/jobs/fj-1/cancel")
    assert answer.document == {
        "id": "fj-1",
        "state": "CANCELLED",
        "is_confirmed": True,
        "text": "cancelled from a Jupyter page in the queue, nothing ran",
    }
    assert (await ask("GET", "/jobs/fj-1")).document["state"] == "CANCELLED"
    again = (await ask("POST", "/jobs/fj-1/cancel")).document
    assert again["text"] == "cancelled from a Jupyter page in the queue, nothing ran"


async def test_a_cancel_that_the_platform_refuses_is_told(ask: Ask, user: User) -> None:
    user.job("fj-1", platform_id="p1", endpoint_id="gone", name="trainer", state=JobState.IN_QUEUE)
    answer = await ask("POST", "/jobs/fj-1/cancel")
    assert (answer.status, answer.document["type"]) == (404, "NotFoundError")
    assert (await ask("GET", "/jobs/fj-1")).document["is_open"]


async def test_a_job_of_an_embedded_runpod_that_does_not_run(ask: Ask, user: User) -> None:
    user.job("fj-1", platform_id="p1", endpoint_id="ep1", backend="local", state=JobState.IN_QUEUE)
    answer = await ask("POST", "/jobs/fj-1/cancel")
    assert (answer.status, answer.document["message"]) == (502, "the embedded Runpod does not run")
    assert (await ask("GET", "/jobs/fj-1")).document["is_open"], "it may go on when that is started"
