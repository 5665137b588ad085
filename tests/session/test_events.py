from __future__ import annotations

import json
from typing import Any

import pytest

from flash_jupyter.session.events import (
    Clear,
    Display,
    Event,
    EventAssembler,
    Fragment,
    Notice,
    Phase,
    Stream,
    read_event,
    read_fragment,
)

RUN = "0123456789abcdef"


def out(text: str) -> dict[str, Any]:
    return {"t": "stdout", "text": text}


def line(seq: int, event: dict[str, Any], *, parts: int = 1) -> list[str]:
    """The log lines of one event, as the driver writes them."""
    text = json.dumps(event)
    size = -(-len(text) // parts)
    return [f"@FJ1:{RUN}:{seq}:{part + 1}/{parts}:{text[part * size : (part + 1) * size]}" for part in range(parts)]


def fed(assembler: EventAssembler, lines: list[str]) -> list[Event]:
    fragments = [fragment for text in lines if (fragment := read_fragment(text))]
    return [event for fragment in fragments for event in assembler.feed(fragment)]


KINDS: list[tuple[str, dict[str, Any], Event | None]] = [
    ("stdout", out("a"), Stream("stdout", "a")),
    ("stderr", {"t": "stderr", "text": "b"}, Stream("stderr", "b")),
    (
        "a display",
        {"t": "display", "data": {"text/plain": "x"}, "metadata": {}, "id": "d1"},
        Display({"text/plain": "x"}, {}, "d1"),
    ),
    ("its update", {"t": "update", "data": {}, "metadata": {}, "id": "d1"}, Display({}, {}, "d1", update=True)),
    ("clear_output", {"t": "clear", "wait": True}, Clear(wait=True)),
    ("a phase", {"t": "phase", "name": "dependencies", "detail": "torch"}, Phase("dependencies", "torch")),
    ("the end", {"t": "done"}, None),
    ("a kind of a later version", {"t": "hologram"}, None),
]


@pytest.mark.parametrize(("data", "event"), [c[1:] for c in KINDS], ids=[c[0] for c in KINDS])
def test_read_event(data: dict[str, Any], event: Event | None) -> None:
    assert read_event(data) == event


FRAGMENTS: list[tuple[str, str, Fragment | None]] = [
    ("at the beginning", f'@FJ1:{RUN}:0:1/1:{{"t"', Fragment(RUN, 0, 1, 1, '{"t"')),
    ("after C output without a newline", f"100%@FJ1:{RUN}:7:2/3:abc", Fragment(RUN, 7, 2, 3, "abc")),
    (
        "wrapped as JSON by the SDK",
        json.dumps({"requestId": "j1", "message": f'@FJ1:{RUN}:1:1/1:{{"t":"done"}}', "level": "INFO"}),
        Fragment(RUN, 1, 1, 1, '{"t":"done"}'),
    ),
    ("a brace before it is no wrapper", f"{{x@FJ1:{RUN}:1:1/1:y", Fragment(RUN, 1, 1, 1, "y")),
    ("nothing in it", "hello", None),
    ("a run id that is none", "@FJ1:xyz:1:1/1:y", None),
]


@pytest.mark.parametrize(("text", "fragment"), [c[1:] for c in FRAGMENTS], ids=[c[0] for c in FRAGMENTS])
def test_read_fragment(text: str, fragment: Fragment | None) -> None:
    assert read_fragment(text) == fragment


a, b, c = (Stream("stdout", letter) for letter in "abc")

ORDERS: list[tuple[str, list[str], list[Event]]] = [
    ("in order", [*line(0, out("a")), *line(1, out("b"))], [a, b]),
    ("an event in parts", line(0, out("abc"), parts=3), [Stream("stdout", "abc")]),
    ("parts in any order", line(0, out("abc"), parts=3)[::-1], [Stream("stdout", "abc")]),
    ("a part that comes twice", [*line(0, out("abc"), parts=2)[:1], *line(0, out("abc"), parts=2)], [Stream("stdout", "abc")]),
    ("an event that comes twice", [*line(0, out("a")), *line(0, out("a"))], [a]),
    ("a stream that was opened again", [*line(0, out("a")), *line(1, out("b"))] * 2, [a, b]),
    ("a gap does not hold up what follows", [*line(0, out("a")), *line(2, out("c"))], [a, c]),
    ("what was missing may still come", [*line(0, out("a")), *line(2, out("c")), *line(1, out("b"))], [a, c, b]),
    ("a broken event counts as missing", [f"@FJ1:{RUN}:0:1/1:{{oops", *line(1, out("b"))], [b]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "events"), [c[1:] for c in ORDERS], ids=[c[0] for c in ORDERS])
def test_assembler(lines: list[str], events: list[Event]) -> None:
    assert fed(EventAssembler(), lines) == events


def test_done_is_seen() -> None:
    assembler = EventAssembler()
    assert fed(assembler, line(0, {"t": "done"})) == []
    assert assembler.done
    assert assembler.answer is None


def test_done_may_say_the_answer_which_is_not_kept_with_the_events() -> None:
    kept: list[tuple[int, dict[str, Any]]] = []
    assembler = EventAssembler(lambda seq, event: kept.append((seq, event)))
    assert fed(assembler, line(0, {"t": "done", "answer": "AAEC"}, parts=2)) == []
    assert assembler.done
    assert assembler.answer == b"\x00\x01\x02"
    assert kept == [(0, {"t": "done"})]


FILLS: list[tuple[str, list[str], list[tuple[int, dict[str, Any]]], int, list[Event]]] = [
    ("the stream brought all", [*line(0, out("a")), *line(1, {"t": "done"})], [(0, out("a"))], 1, []),
    ("there was no stream", [], [(0, out("a")), (1, out("b"))], 2, [a, b]),
    ("the stream was behind", line(0, out("a")), [(0, out("a")), (1, out("b"))], 2, [b]),
    ("the stream had a gap", [*line(0, out("a")), *line(2, out("c"))], [(1, out("b"))], 3, [b]),
    (
        "the answer has head and tail only",
        [],
        [(0, out("a")), (9, out("b"))],
        10,
        [a, b, Notice("8 pieces of output were lost on the way")],
    ),
    ("nothing was printed", [], [], 0, []),
]


@pytest.mark.parametrize(("lines", "carried", "total", "events"), [c[1:] for c in FILLS], ids=[c[0] for c in FILLS])
def test_the_answer_fills_what_the_stream_did_not_bring(
    lines: list[str], carried: list[tuple[int, dict[str, Any]]], total: int, events: list[Event]
) -> None:
    assembler = EventAssembler()
    fed(assembler, lines)
    assert assembler.fill(carried, total) == events
    assert assembler.fill(carried, total) == []


LARGE = {"t": "display", "data": {"image/png": "all of it"}, "metadata": {}, "id": "a"}
NOTE = {"t": "display", "data": {"text/plain": "image/png of 1.2 MB"}, "metadata": {}, "id": "a", "late": True}


def test_a_large_display_comes_with_the_answer_and_takes_the_place_of_its_note() -> None:
    assembler = EventAssembler()
    (note,) = assembler.feed(Fragment(RUN, 0, 1, 1, json.dumps(NOTE)))
    assert note == Display({"text/plain": "image/png of 1.2 MB"}, {}, "a")
    assembler.feed(Fragment(RUN, 1, 1, 1, '{"t":"done"}'))
    assert assembler.fill([(0, LARGE), (1, {"t": "done"})], 2) == [Display({"image/png": "all of it"}, {}, "a", True)]


def test_a_large_display_whose_note_did_not_come_is_shown() -> None:
    assert EventAssembler().fill([(0, LARGE)], 1) == [Display({"image/png": "all of it"}, {}, "a")]


def test_a_note_for_what_was_cleared_meanwhile_is_not_shown_again() -> None:
    assembler = EventAssembler()
    assembler.feed(Fragment(RUN, 0, 1, 1, json.dumps(NOTE)))
    assert assembler.fill([(0, NOTE)], 1) == []
