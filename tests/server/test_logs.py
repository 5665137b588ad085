"""Logs that are followed over the routes: they come while they are written, and end when the client goes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_user import Ask, Page, User, until
from rest_document import validate

from flash_jupyter.errors import UnreachableError
from flash_jupyter.server.desk import Desk
from flash_jupyter.server.service import Service
from flash_jupyter.states import JobState

#: opens a stream of our routes
Open = Callable[[str], Page]
NOTHING: tuple[str, Any] = ("nothing", None)


def printed(user: User, job_id: str, text: str) -> Path:
    """Write what a kernel writes while a job prints."""
    path = user.settings.home / "logs" / f"{job_id}.log"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(text)
    return path


@pytest.fixture
def page(desk: Desk, http_server: Any, http_server_port: Any, jp_base_url: str, jp_auth_header: Any) -> Open:
    """Opens a stream of the routes, over a connection of its own."""
    origin = f"http://127.0.0.1:{http_server_port[1]}{jp_base_url}flash-jupyter/api"
    return lambda path: Page(origin + path, dict(jp_auth_header))


async def test_a_job_is_followed_until_it_is_over(page: Open, user: User) -> None:
    user.job("fj-1", state=JobState.IN_PROGRESS)
    printed(user, "fj-1", "epoch 1\n")
    async with page("/jobs/fj-1/logs") as events:
        assert events.headers["Content-Type"] == "text/event-stream"
        assert await events.event() == ("log", {"worker_id": "", "text": "epoch 1\n"})
        printed(user, "fj-1", "epoch 2\n")
        assert await events.event() == ("log", {"worker_id": "", "text": "epoch 2\n"})
        printed(user, "fj-1", "the end")
        user.store.finish("fj-1", JobState.FAILED, error="ValueError: no")
        name, data = await events.event() or NOTHING
        validate({"$ref": "#/components/schemas/LogPiece"}, data)
        assert (name, data) == ("log", {"worker_id": "", "text": "the end"})
        name, data = await events.event() or NOTHING
        validate({"$ref": "#/components/schemas/LogEnd"}, data)
        assert (name, data) == ("end", {"state": "FAILED", "error": "ValueError: no"})
        assert await events.events() == []


async def test_a_job_that_said_nothing_has_only_an_end(page: Open, user: User) -> None:
    user.job("fj-1")
    async with page("/jobs/fj-1/logs") as events:
        assert await events.events() == [("end", {"state": "COMPLETED", "error": None})]


async def test_two_pages_follow_one_job(page: Open, user: User) -> None:
    user.job("fj-1", state=JobState.IN_PROGRESS)
    async with page("/jobs/fj-1/logs") as one, page("/jobs/fj-1/logs") as other:
        printed(user, "fj-1", "both\n")
        for events in (one, other):
            assert await events.event() == ("log", {"worker_id": "", "text": "both\n"})


class Watched(Service):
    """Knows how many logs are being read."""

    open_logs = 0

    async def job_log(self, job_id: str) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        return self._counted(await super().job_log(job_id))

    async def _counted(self, said: Any) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        self.open_logs += 1
        try:
            async for event in said:
                yield event
        finally:
            self.open_logs -= 1
            await said.aclose()


async def test_nothing_is_read_any_more_when_the_client_has_gone(page: Open, user: User) -> None:
    user.job("fj-1", state=JobState.IN_PROGRESS)
    made: list[Watched] = []

    def make(settings: Any, threads: Any) -> Service:
        made.append(Watched(settings, threads))
        return made[0]

    user.kind = make
    printed(user, "fj-1", "begun\n")
    async with page("/jobs/fj-1/logs") as events:
        await events.event()
        assert made[0].open_logs == 1
    await until(lambda: made[0].open_logs == 0)


class Broken(Service):
    """Its platform goes away while a log is read."""

    async def job_log(self, job_id: str) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:  # noqa: ARG002
        return self._said_and_gone()

    async def _said_and_gone(self) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        yield "log", {"worker_id": "w1", "text": "so far\n"}
        raise UnreachableError("no answer from runpod.test", fix="check the connection")


async def test_what_goes_wrong_on_the_way_is_an_event(page: Open, user: User) -> None:
    user.kind = Broken
    async with page("/jobs/fj-1/logs") as events:
        said = await events.events()
    assert said[0][0] == "log"
    validate({"$ref": "#/components/schemas/Error"}, said[1][1])
    error = {"type": "UnreachableError", "message": "no answer from runpod.test", "fix": "check the connection"}
    assert said[1] == ("error", {**error, "status": 502})


@pytest.mark.parametrize("tail", ["0", "5001", "x"])
async def test_a_tail_that_can_not_be_meant(tail: str, ask: Ask, user: User) -> None:
    answer = await ask("GET", f"/endpoints/runpod/ep1/logs?tail={tail}")
    assert (answer.status, answer.document["fix"]) == (400, "write a whole number from 1 to 5000")


async def test_an_endpoint_that_is_not_there_has_no_log(ask: Ask, user: User) -> None:
    answer = await ask("GET", "/endpoints/runpod/none/logs")
    assert (answer.status, answer.document["type"]) == (404, "NotFoundError")
