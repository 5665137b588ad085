from __future__ import annotations

import asyncio
from pathlib import Path

from flash_jupyter.deploy.turns import in_turn

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
