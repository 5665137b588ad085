from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from flash_jupyter.session.writer import BackgroundWriter, OutputLog


def test_actions_run_in_order_on_another_thread() -> None:
    seen: list[object] = []
    writer = BackgroundWriter()
    writer.put(lambda: seen.append(threading.current_thread().name))
    for number in range(100):
        writer.put(lambda number=number: seen.append(number))  # type: ignore[misc]
    assert writer.flush()
    assert seen == ["flash_jupyter writer", *range(100)]
    writer.close()


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
