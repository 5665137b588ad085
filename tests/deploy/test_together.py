from __future__ import annotations

import asyncio

import pytest

from flash_jupyter.deploy.together import to_the_end, together


def test_what_has_to_come_to_its_end_does_so_however_often_it_is_cancelled() -> None:
    async def check() -> None:
        may_end, ended = asyncio.Event(), asyncio.Event()

        async def take_back() -> None:
            await may_end.wait()
            ended.set()

        waiting = asyncio.ensure_future(to_the_end(take_back()))
        for _ in range(3):
            await asyncio.sleep(0)
            waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert ended.is_set()

    asyncio.run(check())


def test_its_result_and_its_failure_are_its_own() -> None:
    async def check() -> None:
        async def fail() -> None:
            raise ValueError("bad")

        assert await to_the_end(asyncio.sleep(0, "done")) == "done"
        with pytest.raises(ValueError, match="bad"):
            await to_the_end(fail())

    asyncio.run(check())


def test_when_one_of_several_fails_the_others_end_before_that_is_raised() -> None:
    async def check() -> None:
        ended: list[str] = []

        async def slow() -> None:
            await asyncio.sleep(0.01)
            ended.append("slow")

        async def fail() -> None:
            raise ValueError("bad")

        with pytest.raises(ValueError, match="bad"):
            await together([fail(), slow()])
        assert ended == ["slow"]

    asyncio.run(check())
