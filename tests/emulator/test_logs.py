from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from emulated import Clock

from flash_jupyter.emulator.logs import LONGEST_LINE_BYTES, WorkerLog, format_time, parse_time


@pytest.fixture
def log(tmp_path: Path) -> WorkerLog:
    return WorkerLog(tmp_path, "w", Clock())


def write(log: WorkerLog, text: str | bytes) -> None:
    with log.container_path.open("ab") as file:
        file.write(text.encode() if isinstance(text, str) else text)


def texts(log: WorkerLog, source: str | None = None) -> list[str]:
    return [line.text for line in log.lines(0, len(log), source)]


def test_lines_appear_when_they_are_finished(log: WorkerLog) -> None:
    write(log, "one\ntw")
    assert log.drain() == 1
    write(log, "o\n\n")
    assert log.drain() == 2
    assert texts(log) == ["one", "two", ""]


def test_nobody_else_may_read_a_log(tmp_path: Path) -> None:
    made = WorkerLog(tmp_path / "logs", "w2", Clock())
    assert (tmp_path / "logs").stat().st_mode & 0o777 == 0o700
    assert made.container_path.stat().st_mode & 0o777 == 0o600


def test_an_unfinished_line_appears_at_the_end(log: WorkerLog) -> None:
    write(log, "no newline")
    assert log.drain() == 0
    log.end()
    assert texts(log) == ["no newline"]


def test_the_servers_own_lines_stand_where_they_happened(log: WorkerLog) -> None:
    log.system("begins")
    write(log, "a\n")
    log.drain()
    log.system("ends: täglich")
    assert texts(log) == ["begins", "a", "ends: täglich"]
    assert texts(log, "system") == ["begins", "ends: täglich"]
    assert texts(log, "container") == ["a"]


def test_times_are_strictly_increasing_while_the_clock_stands(log: WorkerLog) -> None:
    write(log, "a\nb\n")
    log.drain()
    log.system("c")
    times = [line.at_us for line in log.lines(0, 3)]
    assert times == [times[0], times[0] + 1, times[0] + 2]


def test_ids_stay_when_a_new_server_reads_the_log(log: WorkerLog, tmp_path: Path) -> None:
    write(log, "a\nb\n")
    log.drain()
    log.system("c")
    before = log.lines(0, 3)
    log.close()
    write(log, "d\n")
    clock = Clock()
    clock.now -= 1000  # a clock that was set back
    again = WorkerLog(tmp_path, "w", clock)
    again.drain()
    assert again.lines(0, 3) == before
    assert texts(again) == ["a", "b", "c", "d"]
    assert again.lines(3, 4)[0].at_us > before[-1].at_us
    again.close()


def test_a_half_written_index_record_is_left_out(log: WorkerLog, tmp_path: Path) -> None:
    write(log, "a\n")
    log.drain()
    log.close()
    with (tmp_path / "w.index").open("ab") as file:
        file.write(b"half")
    again = WorkerLog(tmp_path, "w", Clock())
    assert texts(again) == ["a"]
    again.close()


def test_positions_by_time_and_by_tail(log: WorkerLog) -> None:
    write(log, "a\nb\nc\n")
    log.drain()
    log.system("s")
    (_, second, *_) = log.lines(0, 4)
    assert log.position_of(second.at_us) == 1
    assert log.position_of(second.at_us + 1) == 2
    assert log.position_of_tail(2) == 2
    assert log.position_of_tail(0) == 4
    assert log.position_of_tail(2, "container") == 1
    assert log.position_of_tail(99) == 0


def test_a_line_without_end_is_cut_between_characters(log: WorkerLog) -> None:
    text = "x" + "ä" * LONGEST_LINE_BYTES
    write(log, text)
    assert log.drain() == 2
    write(log, "\nnext\n")
    log.drain()
    found = texts(log)
    assert "".join(found[:-1]) == text
    assert found[-1] == "next"
    assert all(len(line.encode()) <= LONGEST_LINE_BYTES for line in found)


def test_bytes_that_are_no_text_do_no_harm(log: WorkerLog) -> None:
    write(log, b"\xff\xfe\n" + b"\xff" * (LONGEST_LINE_BYTES + 5))
    log.end()
    assert len(texts(log)) == 3


def test_last_words_are_what_a_person_can_read(log: WorkerLog) -> None:
    write(log, "raw\n")
    write(log, '@FJ1:0123456789abcdef:1:1/1:{"t":"stdout","text":"step 1\\nstep 2\\n"}\n')
    write(log, '@FJ1:0123456789abcdef:2:1/1:{"t":"phase","name":"running","detail":""}\n')
    write(log, "@FJ1:0123456789abcdef:3:1/2:{\n")
    log.drain()
    assert log.last_words(10) == ["raw", "step 1", "step 2"]
    assert log.last_words(1) == ["step 2"]


def test_listeners_are_told_of_new_lines_and_of_the_end(log: WorkerLog) -> None:
    news = asyncio.Event()
    log.subscribe(news)
    log.drain()
    assert not news.is_set()
    write(log, "a\n")
    log.drain()
    assert news.is_set()
    news.clear()
    log.end()
    assert news.is_set()


def test_a_removed_log_has_no_lines_and_no_files(log: WorkerLog, tmp_path: Path) -> None:
    log.system("a")
    log.remove()
    assert (len(log), list(tmp_path.iterdir())) == (0, [])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-05-28T20:26:40Z", "2026-05-28T20:26:40.000000Z"),
        ("2026-05-28T20:26:40.5Z", "2026-05-28T20:26:40.500000Z"),
        ("2026-05-28T20:26:40.123456789Z", "2026-05-28T20:26:40.123456Z"),
        ("2026-05-28T22:26:40+02:00", "2026-05-28T20:26:40.000000Z"),
        ("2026-05-28T22:26:40 02:00", "2026-05-28T20:26:40.000000Z"),
    ],
    ids=["whole seconds", "tenths", "nanoseconds", "another zone", "a plus that a query made a blank"],
)
def test_times_of_every_rfc_3339_form_are_read(text: str, same: str) -> None:
    assert format_time(parse_time(text)) == same


@pytest.mark.parametrize("text", ["", "yesterday", "2026-05-28", "2026-13-28T20:26:40Z", "2026-05-28T20:26:40"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)
