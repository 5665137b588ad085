"""What was done is taken back, in turn, however much of it fails."""

from __future__ import annotations

import asyncio

from flash_jupyter.deploy.undo import Journal, Turn
from flash_jupyter.errors import ApiError


def test_everything_is_taken_back_in_its_turn_also_after_one_that_fails() -> None:
    journal, order = Journal(), list[str]()

    async def note(text: str) -> None:
        order.append(text)
        if text == "endpoint":
            raise ApiError("the platform is away")

    journal.add(Turn.PLACE, "the environment is removed", lambda: note("place"))
    journal.add(Turn.ENDPOINT, "the endpoint is removed", lambda: note("endpoint"))
    journal.add(Turn.BUILD, "build b1 is active again", lambda: note("build"))
    said = asyncio.run(journal.take_back())
    assert order == ["build", "endpoint", "place"]
    assert said == (
        "build b1 is active again; the environment is removed; NOT DONE: the endpoint is removed (the platform is away)"
    )
    assert asyncio.run(journal.take_back()) == "nothing was changed"
