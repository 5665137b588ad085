"""What was done, and how each of it is taken back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum

from flash_jupyter.errors import FlashError


class Turn(IntEnum):
    """What is taken back first: workers that start again have to find the old build, a volume has to be free."""

    BUILD = 0
    ENDPOINT = 1
    RECORD = 2
    VOLUME = 3
    PLACE = 4


@dataclass(frozen=True)
class Done:
    """Something that was done; `text` says what taking it back does: "endpoint scorer is removed again"."""

    turn: Turn
    text: str
    take_back: Callable[[], Awaitable[object]]


@dataclass
class Journal:
    """What one deploy did so far."""

    done: list[Done] = field(default_factory=list)

    def add(self, turn: Turn, text: str, take_back: Callable[[], Awaitable[object]]) -> None:
        """Remember how something is taken back."""
        self.done.append(Done(turn, text, take_back))

    async def take_back(self) -> str:
        """Take everything back, however much of it fails, and say in a sentence what came of it; may be called again.

        >>> import asyncio
        >>> asyncio.run(Journal().take_back())
        'nothing was changed'
        """
        todo, self.done = sorted(self.done, key=lambda each: each.turn), []
        said, failed = list[str](), list[str]()
        for each in todo:
            try:
                await each.take_back()
                said.append(each.text)
            except FlashError as failure:
                failed.append(f"NOT DONE: {each.text} ({failure.message})")
        return "; ".join([*dict.fromkeys(said), *failed]) or "nothing was changed"
