"""One job after the other under the SDK, and how many it may take at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from flash_jupyter.worker.serving import LONG_S, ROOM_WITHOUT_FLOOR, Turns


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_jobs_run_one_after_the_other() -> None:
    running: list[str] = []
    most = []

    async def handler(job: Mapping[str, Any]) -> str:
        running.append(job["id"])
        most.append(len(running))
        await asyncio.sleep(0)
        running.remove(job["id"])
        return str(job["id"])

    async def send() -> list[Any]:
        turns = Turns(handler)
        return list(await asyncio.gather(*(turns.handle({"id": name}) for name in "abc")))

    assert asyncio.run(send()) == ["a", "b", "c"]
    assert most == [1, 1, 1]


@pytest.mark.parametrize(("took_s", "room"), [(0.1, ROOM_WITHOUT_FLOOR), (LONG_S, 1)], ids=["short jobs", "a long job"])
def test_there_is_room_for_more_while_jobs_are_short(took_s: float, room: int) -> None:
    clock, during = Clock(), []

    async def handler(_job: Mapping[str, Any]) -> None:
        clock.now += took_s
        during.append(turns.room(1))

    turns = Turns(handler, clock=clock)
    assert turns.room(1) == ROOM_WITHOUT_FLOOR
    asyncio.run(turns.handle({}))
    assert (during, turns.room(1)) == ([room], room)


def test_a_job_that_fails_gives_the_turn_to_the_next() -> None:
    async def handler(job: Mapping[str, Any]) -> str:
        if job["id"] == "a":
            raise ValueError(job["id"])
        return str(job["id"])

    async def send() -> list[Any]:
        turns = Turns(handler)
        return list(await asyncio.gather(*(turns.handle({"id": name}) for name in "ab"), return_exceptions=True))

    first, second = asyncio.run(send())
    assert (repr(first), second) == ("ValueError('a')", "b")


def test_as_many_jobs_as_were_asked_for_run_side_by_side() -> None:
    running: set[str] = set()
    most: list[int] = []

    async def handler(job: Mapping[str, Any]) -> str:
        running.add(job["id"])
        most.append(len(running))
        for _ in range(3):
            await asyncio.sleep(0)
        running.remove(job["id"])
        return str(job["id"])

    async def send() -> list[Any]:
        turns = Turns(handler, 2)
        assert turns.room(1) == 2
        return list(await asyncio.gather(*(turns.handle({"id": name}) for name in "abcd")))

    assert asyncio.run(send()) == ["a", "b", "c", "d"]
    assert max(most) == 2
