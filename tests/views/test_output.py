"""Streams and displays: order, bounds, ids."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

from flash_jupyter.views.output import OutputView


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1.0

    def __call__(self) -> float:
        return self.now


class Pipe(io.StringIO):
    """One of two streams that share a record; in ipykernel, text is only sent when its stream is flushed."""

    def __init__(self, record: list[str]) -> None:
        super().__init__()
        self.record = record
        self.flushes = 0

    def flush(self) -> None:
        self.flushes += 1
        if self.getvalue():
            self.record.append(self.getvalue())
            self.seek(0)
            self.truncate()


def make(publisher: Any, *, limit: int = 1000) -> tuple[OutputView, Pipe, Pipe, list[str], Clock]:
    record: list[str] = []
    clock = Clock()
    out, err = Pipe(record), Pipe(record)
    return OutputView(publisher, stdout=out, stderr=err, limit=limit, clock=clock), out, err, record, clock


def test_order_between_streams_is_kept(publisher: Any) -> None:
    view, _out, err, record, clock = make(publisher)
    for name, text in [("stdout", "1"), ("stderr", "2"), ("stdout", "3"), ("stderr", "4")]:
        view.stream(name, text)
        clock.now += 1
    err.flush()
    assert record == ["1", "2", "3", "4"]


def test_streams_that_alternate_in_a_flood_are_brought_together(publisher: Any) -> None:
    view, _out, _err, record, clock = make(publisher, limit=100_000)
    for number in range(1000):
        view.stream("stdout", f"o{number} ")
        view.stream("stderr", f"e{number} ")
        clock.now += 0.001
    view.close()
    clock.now += 1
    view.stream("stdout", "end")
    assert len(record) < 40
    text = "".join(record)
    assert [word for word in text.split() if word[0] == "o"] == [f"o{n}" for n in range(1000)]
    assert [word for word in text.split() if word[0] == "e" and word != "end"] == [f"e{n}" for n in range(1000)]


def test_a_short_burst_keeps_its_order(publisher: Any) -> None:
    view, _out, err, record, _clock = make(publisher)
    for number in range(10):
        view.stream("stdout", f"o{number} ")
        view.stream("stderr", f"e{number} ")
    view.close()
    err.flush()
    assert "".join(record) == "".join(f"o{number} e{number} " for number in range(10))


def test_a_short_cell_does_not_flush(publisher: Any) -> None:
    view, out, err, _record, clock = make(publisher)
    for _ in range(5):
        view.stream("stdout", "x")
        clock.now += 0.01
    assert (out.flushes, err.flushes) == (0, 0)


def test_what_comes_seldom_is_shown_at_once(publisher: Any) -> None:
    view, _out, _err, record, clock = make(publisher)
    for number in range(20):
        clock.now += 0.2
        view.stream("stdout", f"{number}\n")
        assert record[-1] == f"{number}\n"


def test_a_flood_is_shown_twice_a_second(publisher: Any) -> None:
    view, out, _err, record, clock = make(publisher)
    clock.now += 1
    for number in range(10_000):
        view.stream("stdout", f"\r{number}")
        clock.now += 0.001
    assert 20 <= out.flushes <= 31, "ten seconds, and what came before it was known for a flood"
    assert len("".join(record)) < 300, "what was overwritten at once is left out"
    view.close()
    assert record[-1].endswith("9999")


def test_the_end_of_a_flood_is_shown_though_nothing_follows(publisher: Any) -> None:
    record: list[str] = []
    view = OutputView(publisher, stdout=Pipe(record), stderr=Pipe(record))
    for number in range(50):
        view.stream("stdout", f"{number}\n")
        time.sleep(0.004)
    deadline = time.monotonic() + 10
    while "49\n" not in "".join(record) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "".join(record) == "".join(f"{number}\n" for number in range(50))


def test_updates_that_nobody_has_seen_yet_are_skipped(publisher: Any) -> None:
    view, *_, clock = make(publisher)
    for number in range(100):
        view.display({"text/plain": str(number)}, {}, "id", True)
        clock.now += 0.001
    view.close()
    assert len(publisher.shown) <= 11
    assert publisher.shown[-1] == ("update", "99", "id")


def test_a_picture_that_is_cleared_before_it_was_shown_is_not_shown(publisher: Any) -> None:
    view, *_, clock = make(publisher)
    for number in range(100):
        view.clear(True)
        view.display({"text/plain": str(number)}, {}, None, False)
        clock.now += 0.001
    view.close()
    displays = [text for verb, text, _ in publisher.shown if verb == "display"]
    assert len(displays) <= 11
    assert displays[-1] == "99"


def test_too_much_text_keeps_head_and_tail_and_says_where_the_rest_is(publisher: Any) -> None:
    view, out, _err, _record, clock = make(publisher, limit=20)
    for number in range(100):
        view.stream("stdout", f"{number:04d}\n")
        clock.now += 0.001
    view.logged(Path("events.log"))
    view.close()
    assert out.getvalue() + "".join(_record) == "0000\n0001\n0098\n0099\n"
    assert publisher.texts()[-1] == ("update", "… 480 B of text left out here; all of it: events.log")


def test_text_that_is_held_back_is_previewed_twice_a_second(publisher: Any) -> None:
    view, _out, _err, _record, clock = make(publisher, limit=100)
    for number in range(2000):
        view.stream("stdout", f"line {number}\n")
        clock.now += 0.001
    assert 2 <= len(publisher.shown) <= 5
    verb, text = publisher.texts()[-1]
    assert verb == "update"
    assert text.startswith("… ")
    assert "of text left out so far; the last lines:\nline " in text


def test_displays_keep_their_ids(publisher: Any) -> None:
    view, *_ = make(publisher)
    view.display({"text/plain": "a"}, {}, "id-1", False)
    view.display({"text/plain": "b"}, {}, "id-1", True)
    view.display({"text/plain": "c"}, {}, None, False)
    assert publisher.shown == [("display", "a", "id-1"), ("update", "b", "id-1"), ("display", "c", "")]


def test_cleared_text_no_longer_counts(publisher: Any) -> None:
    view, out, _err, _record, _clock = make(publisher, limit=20)
    view.stream("stdout", "0123456789")
    view.clear(True)
    view.stream("stdout", "abcdefghij")
    view.close()
    assert out.getvalue() == "0123456789abcdefghij"
    assert publisher.texts() == [("clear", "True")]
