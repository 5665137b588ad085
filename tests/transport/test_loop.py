from __future__ import annotations

import asyncio

import pytest

from flash_jupyter.transport.loop import within


def test_a_result_in_time_is_returned_and_a_failure_is_raised() -> None:
    async def check() -> None:
        async def fail() -> None:
            raise ValueError("bad")

        assert await within(asyncio.sleep(0, "done"), 60) == "done"
        assert await within(asyncio.sleep(0, "done"), None) == "done"
        with pytest.raises(ValueError, match="bad"):
            await within(fail(), 60)

    asyncio.run(check())


def test_what_takes_longer_is_cancelled() -> None:
    async def check() -> None:
        ended = asyncio.Event()

        async def long() -> None:
            try:
                await asyncio.sleep(600)
            finally:
                ended.set()

        with pytest.raises(asyncio.TimeoutError):
            await within(long(), 0.01)
        assert ended.is_set()

    asyncio.run(check())


def test_a_cancellation_in_the_moment_of_the_result_is_not_lost() -> None:
    async def check() -> None:
        answer = asyncio.get_running_loop().create_future()
        waiting = asyncio.ensure_future(within(answer, 60))
        await asyncio.sleep(0)
        answer.set_result("here")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(check())
