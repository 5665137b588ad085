from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest
from cells import Notebook

from flash_jupyter.worker.output import KEPT_BYTES, LATE_BYTES, SAID_ANSWER_BYTES, Events, Kept, note_for

RUN = "0123456789abcdef"
ANSWERS: list[tuple[str, bytes, bool]] = [
    ("a small answer is said", b"\x00answer", True),
    ("the largest that is", b"x" * SAID_ANSWER_BYTES, True),
    ("a larger one is not", b"x" * (SAID_ANSWER_BYTES + 1), False),
    ("there is none", b"", False),
]


@pytest.mark.parametrize(("answer", "is_said"), [c[1:] for c in ANSWERS], ids=[c[0] for c in ANSWERS])
def test_the_last_event_is_one_line(answer: bytes, is_said: bool) -> None:
    read, write = os.pipe()
    events = Events(RUN, write)
    events.close(answer)
    os.close(write)
    with os.fdopen(read) as log:
        (line,) = log.read().splitlines()
    head, _, body = line.partition("{")
    said = {"answer": base64.b64encode(answer).decode()} if is_said else {}
    assert (head, json.loads("{" + body)) == (f"@FJ1:{RUN}:0:1/1:", {"t": "done", **said})


def large(identity: str) -> dict[str, Any]:
    return {"t": "display", "data": {"image/png": "x"}, "metadata": {}, "id": identity}


def test_the_first_and_the_last_events_are_kept() -> None:
    kept = Kept()
    for seq in range(50):
        kept.add(seq, {"n": seq}, KEPT_BYTES // 10)
    assert [seq for seq, _ in kept.events()] == [*range(10), *range(40, 50)]


def test_a_large_display_takes_the_place_of_its_note() -> None:
    kept = Kept()
    kept.add_late(0, large("a"), 300_000)
    kept.add(0, note_for(large("a"), 300_000, fits=True), 100)
    assert kept.events() == [(0, large("a"))]


def test_a_newer_display_of_the_same_id_replaces_the_older() -> None:
    kept = Kept()
    assert kept.add_late(0, large("a"), LATE_BYTES)
    assert kept.add_late(1, large("a"), LATE_BYTES)
    assert not kept.add_late(2, large("b"), 1)
    assert kept.events() == [(1, large("a"))]


def test_what_was_cleared_is_not_carried() -> None:
    kept = Kept()
    kept.add_late(0, large("a"), LATE_BYTES)
    kept.forget_late()
    assert kept.add_late(1, large("b"), LATE_BYTES)


def test_where_the_answer_has_no_room_the_note_says_so() -> None:
    kept = Kept()
    kept.add_late(0, large("a"), 1_200_000)
    kept.give_up_late()
    ((_, event),) = kept.events()
    assert event["data"]["text/plain"] == (
        "image/png of 1.2 MB: too large to be shown live, and with those before it for the answer too; save it to a file"
    )
    assert "late" not in event


def test_one_huge_print_is_kept_at_both_ends(bare: Notebook) -> None:
    answer = bare.there("print('a' * 20_000_000, 'end')")
    events = [event["text"] for _, event in answer.order["events"]]
    assert events[0].startswith("aaa")
    assert events[-1].endswith("end\n")
    assert sum(map(len, events)) <= 2 * KEPT_BYTES
