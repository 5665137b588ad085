from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from flash_jupyter.emulator.relay import READ_AHEAD_BYTES, Inbox, TooLarge

GONE = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


class Sender:
    """Messages of a client; how many were taken."""

    def __init__(self, *messages: MutableMapping[str, Any]) -> None:
        self.messages, self.taken = list(messages), 0

    async def __call__(self) -> MutableMapping[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        self.taken += 1
        return self.messages.pop(0)


async def read(inbox: Inbox) -> bytes:
    return b"".join([piece async for piece in inbox.pieces()])


def test_a_body_arrives_in_its_pieces() -> None:
    async def run() -> bytes:
        inbox = Inbox(Sender(piece(b"a"), piece(b""), piece(b"bc", more=False), GONE), 100)
        _, body = await asyncio.gather(inbox.watch(), read(inbox))
        return body

    assert asyncio.run(run()) == b"abc"


def test_the_sender_who_goes_away_is_noticed_before_anybody_reads() -> None:
    async def run() -> None:
        inbox = Inbox(Sender(piece(b"a", more=False), GONE), 100)
        await asyncio.wait_for(inbox.watch(), 5)

    asyncio.run(run())


def test_only_a_little_is_read_ahead() -> None:
    async def run() -> tuple[int, int]:
        block = b"x" * READ_AHEAD_BYTES
        sender = Sender(*[piece(block)] * 3, piece(block, more=False))
        inbox = Inbox(sender, 10 * READ_AHEAD_BYTES)
        watching = asyncio.create_task(inbox.watch())
        await asyncio.sleep(0.05)
        ahead = sender.taken
        size = len(await read(inbox))
        watching.cancel()
        return ahead, size

    assert asyncio.run(run()) == (1, 4 * READ_AHEAD_BYTES)


def test_a_body_over_the_limit_is_refused() -> None:
    async def run() -> None:
        inbox = Inbox(Sender(piece(b"abc"), piece(b"de", more=False), GONE), 4)
        watching = asyncio.create_task(inbox.watch())
        with pytest.raises(TooLarge):
            await read(inbox)
        await watching

    asyncio.run(run())
