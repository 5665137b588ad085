from __future__ import annotations

import logging
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from flash_jupyter.errors import ResultLost
from flash_jupyter.session.attaching import replay, stored_answer
from flash_jupyter.session.events import Event, Stream
from flash_jupyter.session.records import JobRecord
from flash_jupyter.session.writer import BackgroundWriter, Journal, OutputLog, read_journal
from flash_jupyter.states import JobState


def test_actions_run_in_order_on_another_thread() -> None:
    seen: list[object] = []
    writer = BackgroundWriter()
    writer.put(lambda: seen.append(threading.current_thread().name))
    for number in range(100):
        writer.put(lambda number=number: seen.append(number))  # type: ignore[misc]
    assert writer.flush()
    assert seen == ["flash_jupyter writer", *range(100)]
    writer.close()


def test_after_a_burst_comes_what_nobody_waits_for_and_once() -> None:
    seen: list[str] = []
    idle = threading.Event()

    def tidy() -> None:
        seen.append("tidy")
        idle.set()

    def burst() -> None:
        seen.append("one")
        writer.put(partial(seen.append, "two"))

    writer = BackgroundWriter(when_idle=tidy, idle_s=0.1)
    writer.put(burst)
    assert idle.wait(30)
    time.sleep(0.5)
    assert seen == ["one", "two", "tidy"]
    idle.clear()
    writer.put(partial(seen.append, "three"))
    assert idle.wait(30)
    writer.close()
    assert seen == ["one", "two", "tidy", "three", "tidy"]


def test_a_failure_when_nobody_waits_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        raise OSError("disk full")

    seen: list[str] = []
    writer = BackgroundWriter(when_idle=fail, idle_s=0.1)
    with caplog.at_level(logging.WARNING):
        writer.put(partial(seen.append, "one"))
        assert failed.wait(30)
        writer.put(partial(seen.append, "two"))
        writer.close()
    assert seen == ["one", "two"]
    assert "disk full" in caplog.text
    assert "Empty" not in caplog.text


def test_a_failure_is_logged_and_the_next_action_runs(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def fail() -> None:
        raise OSError("disk full")

    writer = BackgroundWriter()
    with caplog.at_level(logging.WARNING):
        writer.put(fail)
        writer.put(lambda: seen.append(1))
        writer.close()
    assert seen == [1]
    assert "disk full" in caplog.text


def test_close_writes_what_is_left_and_a_later_put_starts_again() -> None:
    seen: list[int] = []
    writer = BackgroundWriter()
    assert writer.flush()
    writer.put(lambda: seen.append(1))
    writer.close()
    writer.close()
    writer.put(lambda: seen.append(2))
    writer.close()
    assert seen == [1, 2]


def test_an_output_log_is_made_with_its_first_line(tmp_path: Path) -> None:
    writer = BackgroundWriter()
    log = OutputLog(tmp_path / "logs" / "fj-1.log", writer)
    log.close()
    assert not (tmp_path / "logs").exists()
    log.write("a\n")
    log.write("b \ud800\n")
    log.close()
    writer.close()
    assert log.path is not None
    assert log.path.read_text() == "a\nb \\ud800\n"


def test_nobody_else_may_read_an_output_log(tmp_path: Path) -> None:
    writer = BackgroundWriter()
    log = OutputLog(tmp_path / "logs" / "job.log", writer)
    log.write("what a cell printed")
    log.close()
    writer.close()
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "logs" / "job.log").stat().st_mode & 0o777 == 0o600


def said(text: str) -> dict[str, str]:
    return {"t": "stdout", "text": text}


def written(path: Path, *numbered: tuple[int, str]) -> Journal:
    writer = BackgroundWriter()
    journal = Journal(path, writer)
    for seq, text in numbered:
        journal.keep(seq, said(text))
    journal.close()
    writer.close()
    return journal


def test_what_was_kept_is_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "fj-1.jsonl"
    assert written(path, (0, "a"), (1, "b")).lines == 2
    assert list(read_journal(path)) == [(0, said("a")), (1, said("b"))]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_process_adds_to_it_and_each_event_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "fj-1.jsonl"
    written(path, (0, "a"), (1, "b"))
    written(path, (1, "b"), (2, "c"))
    told: list[Event] = []
    replay(path, 10, told.append)
    assert told == [Stream("stdout", letter) for letter in "abc"]


def test_a_line_that_was_cut_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "fj-1.jsonl"
    written(path, (0, "a"))
    with path.open("a") as file:
        file.write('{"seq": 1, "eve')
    assert list(read_journal(path)) == [(0, said("a"))]


def test_where_there_is_none_nothing_is_read(tmp_path: Path) -> None:
    assert list(read_journal(tmp_path / "fj-1.jsonl")) == []


def test_a_job_without_an_answer_still_shows_what_it_said(tmp_path: Path) -> None:
    path, told = tmp_path / "fj-1.jsonl", list[Event]()
    written(path, (1, "late"), (0, "early"))
    record = JobRecord("fj-1", JobState.FAILED, "local", "2026-11-22T10:00:00.000Z", error="WorkerLost: gone")
    with pytest.raises(ResultLost, match="job fj-1 is FAILED and has no result: WorkerLost: gone"):
        stored_answer(record, None, path, told.append)
    assert told == [Stream("stdout", "early"), Stream("stdout", "late")]
