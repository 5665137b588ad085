"""Streams and displays: order, bounds, ids."""

from __future__ import annotations

import io
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


def test_streams_that_alternate_fast_are_flushed_twenty_times_a_second(publisher: Any) -> None:
    view, out, err, _record, clock = make(publisher)
    for _ in range(1000):
        view.stream("stdout", "a")
        view.stream("stderr", "b")
        clock.now += 0.001
    assert 20 <= out.flushes + err.flushes <= 40


def test_a_short_burst_keeps_its_order(publisher: Any) -> None:
    view, _out, err, record, _clock = make(publisher)
    for number in range(10):
        view.stream("stdout", f"o{number} ")
        view.stream("stderr", f"e{number} ")
    err.flush()
    assert "".join(record) == "".join(f"o{number} e{number} " for number in range(10))


def test_a_single_stream_is_left_to_its_own_buffer(publisher: Any) -> None:
    view, out, err, _record, _clock = make(publisher)
    for _ in range(1000):
        view.stream("stdout", "x")
    assert (out.flushes, err.flushes) == (0, 0)


def test_too_much_text_keeps_head_and_tail_and_says_where_the_rest_is(publisher: Any) -> None:
    view, out, _err, _record, clock = make(publisher, limit=20)
    for number in range(100):
        view.stream("stdout", f"{number:04d}\n")
        clock.now += 0.001
    assert out.getvalue() == "0000\n0001\n"
    view.close(Path("events.log"))
    assert out.getvalue() == "0000\n0001\n0098\n0099\n"
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
    view.close(None)
    assert out.getvalue() == "0123456789abcdefghij"
    assert publisher.texts() == [("clear", "True")]
