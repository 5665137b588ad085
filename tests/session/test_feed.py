"""The events of one job, over its sendings."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import weakref
from pathlib import Path

from flash_jupyter.capsule.receiver import Receiver
from flash_jupyter.capsule.sender import Sender
from flash_jupyter.session.events import Event, Fragment, Stream
from flash_jupyter.session.feed import Feed
from flash_jupyter.session.writer import BackgroundWriter, Journal, OutputLog

DONE = Fragment(
    "0" * 16, 0, 1, 1, json.dumps({"t": "done", "answer": base64.b64encode(b"from the log").decode(), "events": 0})
)


def answer_after(sendings: int, folder: Path) -> bytes | None:
    """What the log's `done` is worth to a job that was sent so often."""

    async def feed_it() -> bytes | None:
        writer = BackgroundWriter()
        feed = Feed(OutputLog(folder / "log", writer), Journal(folder / "journal", writer))
        for _ in range(sendings):
            feed.restart()
        feed.take(DONE, "w1")
        feed.close(has_answer=True)
        writer.close()
        return feed.answer

    return asyncio.run(feed_it())


def test_the_log_s_answer_is_the_job_s(tmp_path: Path) -> None:
    assert answer_after(1, tmp_path) == b"from the log"


def test_the_log_s_answer_may_be_that_of_an_earlier_sending(tmp_path: Path) -> None:
    assert answer_after(2, tmp_path) is None


def test_a_log_that_pauses_is_waited_for_where_the_answer_does_not_carry_all(tmp_path: Path) -> None:
    receiver = Receiver(Sender({}).pack({}, {}, {"run": "0" * 16}))
    answer = receiver.pack({"events": [], "events_total": 2}, {}, lambda _: False)
    said: list[Event] = []

    def line(seq: int, text: str) -> Fragment:
        return Fragment("0" * 16, seq, 1, 1, json.dumps({"t": "stdout", "text": text}))

    async def feed_it() -> None:
        writer = BackgroundWriter()
        feed = Feed(OutputLog(tmp_path / "log", writer), Journal(tmp_path / "journal", writer), said.append)
        feed.restart()
        feed.take(line(0, "first"), "w1")
        asyncio.get_running_loop().call_later(1.5, feed.take, line(1, "late"), "w1")
        done = Fragment("0" * 16, 2, 1, 1, json.dumps({"t": "done"}))
        asyncio.get_running_loop().call_later(1.6, feed.take, done, "w1")
        await feed.complete(answer)
        feed.close(has_answer=True)
        writer.close()

    asyncio.run(feed_it())
    assert said == [Stream("stdout", "first"), Stream("stdout", "late")]


def test_a_feed_that_is_over_goes_without_a_collection_of_garbage(tmp_path: Path) -> None:
    async def feed_it() -> weakref.ref[Feed]:
        writer = BackgroundWriter()
        feed = Feed(OutputLog(tmp_path / "log", writer), Journal(tmp_path / "journal", writer))
        feed.restart()
        feed.take(DONE, "w1")
        feed.close(has_answer=True)
        writer.close()
        return weakref.ref(feed)

    gc.disable()
    try:
        assert asyncio.run(feed_it())() is None
    finally:
        gc.enable()
