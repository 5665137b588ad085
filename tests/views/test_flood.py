"""Bounded text: whatever comes, head and tail are kept and the rest is counted."""

from __future__ import annotations

import pytest

from flash_jupyter.views.flood import HeadAndTail

CASES = [
    ("short text is shown at once", ["abc"], "abc", "", 0),
    ("the head ends in the middle of a write", ["abcdef"], "abcde", "f", 0),
    ("the tail keeps the end", ["abcde", "0123456789"], "abcde", "56789", 5),
    ("one huge write", ["abcde" + "x" * 1000 + "98765"], "abcde", "98765", 1000),
    ("many small writes", ["abcde", *"x" * 100, *"12345"], "abcde", "12345", 100),
    ("nothing", [], "", "", 0),
]


@pytest.mark.parametrize(
    ("writes", "head", "tail", "left_out"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_head_and_tail(writes: list[str], head: str, tail: str, left_out: int) -> None:
    text = HeadAndTail(10)
    assert "".join(text.take("stdout", piece) for piece in writes) == head
    assert "".join(piece for _, piece in text.tail()) == tail
    assert text.left_out == left_out


def test_the_tail_knows_its_streams() -> None:
    text = HeadAndTail(0)
    for name, piece in [("stdout", "a"), ("stderr", "b")]:
        text.take(name, piece)
    assert text.tail() == []
    text = HeadAndTail(4)
    for name, piece in [("stdout", "abc"), ("stderr", "d")]:
        text.take(name, piece)
    assert text.tail() == [("stdout", "c"), ("stderr", "d")]
