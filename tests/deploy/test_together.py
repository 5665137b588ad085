from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from flash_jupyter.deploy.together import in_turn, to_the_end, together


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


LONG_S = 60


def test_the_second_says_that_it_waits_and_goes_on_when_the_first_has_ended(tmp_path: Path) -> None:
    async def check() -> None:
        holds, waits, may_end, order = asyncio.Event(), asyncio.Event(), asyncio.Event(), list[str]()

        async def first() -> None:
            async with in_turn(tmp_path / "lock", lambda: order.append("first waits")):
                holds.set()
                await may_end.wait()
                order.append("first")

        async def second() -> None:
            await holds.wait()
            async with in_turn(tmp_path / "lock", waits.set):
                order.append("second")

        both = asyncio.gather(first(), second())
        await asyncio.wait_for(waits.wait(), LONG_S)
        may_end.set()
        await asyncio.wait_for(both, LONG_S)
        assert order == ["first", "second"]

    asyncio.run(check())


def test_who_is_cancelled_while_waiting_leaves_the_lock_to_others(tmp_path: Path) -> None:
    async def check() -> None:
        waits, said = asyncio.Event(), list[str]()

        async def second() -> None:
            async with in_turn(tmp_path / "lock", waits.set):
                said.append("it had the lock")

        async with in_turn(tmp_path / "lock", lambda: said.append("the first waits")):
            waiting = asyncio.ensure_future(second())
            await asyncio.wait_for(waits.wait(), LONG_S)
            waiting.cancel()
            await asyncio.wait({waiting}, timeout=LONG_S)
            assert waiting.cancelled()
        async with in_turn(tmp_path / "lock", lambda: said.append("the third waits")):
            assert said == []

    asyncio.run(check())
