from __future__ import annotations

import asyncio

import pytest

from flash_jupyter.session.signals import Signal

LONG_S = 60.0


def test_all_who_wait_are_woken_at_once() -> None:
    async def main() -> None:
        signal = Signal()
        waiting = [asyncio.ensure_future(signal.wait_at_most(LONG_S)) for _ in range(3)]
        waiting.append(asyncio.ensure_future(signal.wait()))  # type: ignore[arg-type]  # returns True
        await asyncio.sleep(0)
        signal.set()
        await asyncio.wait_for(asyncio.gather(*waiting), LONG_S / 2)
        await signal.wait_at_most(LONG_S)  # it stays set

    asyncio.run(main())


def test_who_waits_in_vain_goes_on() -> None:
    async def main() -> bool:
        signal = Signal()
        await signal.wait_at_most(0.001)
        return signal.is_set()

    assert asyncio.run(main()) is False


def test_a_wait_that_is_cancelled_leaves_the_others_waiting() -> None:
    async def main() -> None:
        signal = Signal()
        given_up, other = (asyncio.ensure_future(signal.wait_at_most(LONG_S)) for _ in range(2))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert not other.done()
        signal.set()
        await asyncio.wait_for(other, LONG_S / 2)

    asyncio.run(main())
