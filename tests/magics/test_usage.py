"""What needs no traceback."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.magics.usage import interrupts_without_our_frames


def _own_text() -> list[str]:
    return ["KeyboardInterrupt: the job was cancelled"]


@pytest.mark.parametrize(
    ("drawn_before", "shown"),
    [(None, ["KeyboardInterrupt"]), (_own_text, ["KeyboardInterrupt: the job was cancelled"])],
    ids=["one that met our own code is one line", "one that has a text keeps it"],
)
def test_an_interrupt_shows_no_frames_of_ours(drawn_before: Any, shown: list[str]) -> None:
    interrupt: Any = KeyboardInterrupt()
    if drawn_before is not None:
        interrupt._render_traceback_ = drawn_before
    with pytest.raises(KeyboardInterrupt), interrupts_without_our_frames():
        raise interrupt
    assert interrupt._render_traceback_() == shown
