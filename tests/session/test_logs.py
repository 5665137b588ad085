"""A job's full output from its file, and the log of workers as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from flash_jupyter import limits
from flash_jupyter.errors import OptionError
from flash_jupyter.resources.options import make_options
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.logs import FileTail, Log, job_log, logs, readable
from flash_jupyter.session.records import JobRecord, utc_now
from flash_jupyter.session.session import CellRequest, Session
from flash_jupyter.settings import Settings
from flash_jupyter.states import JobState
from flash_jupyter.wire.control import LogLine

AT = "2026-11-22T11:00:00.000Z"


def test_all_that_a_job_printed_and_how_it_failed(tmp_path: Path) -> None:
    path = tmp_path / "fj-1.log"
    path.write_text("one\ntwo\n")
    job = JobRecord("fj-1", JobState.FAILED, "local", AT, name="trainer", events_log=str(path), error="ValueError: no")
    assert job_log(job, tmp_path) == Log("job fj-1 · FAILED · trainer", "one\ntwo\nValueError: no\n", str(path))


def test_a_running_job_s_file_is_where_it_will_be(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "fj-1.log").write_text("so far")
    assert job_log(JobRecord("fj-1", JobState.IN_PROGRESS, "local", AT), tmp_path).text == "so far"


SILENT = [
    (JobState.COMPLETED, "it has printed nothing\n"),
    (JobState.IN_QUEUE, "it has printed nothing yet\n"),
]


@pytest.mark.parametrize(("state", "text"), SILENT)
def test_a_job_without_output(tmp_path: Path, state: JobState, text: str) -> None:
    assert job_log(JobRecord("fj-1", state, "local", AT), tmp_path).text == text


def test_of_a_large_output_the_end_is_shown_and_the_file_named(tmp_path: Path) -> None:
    path = tmp_path / "fj-1.log"
    path.write_text("x" * 10 + "y" * limits.SAVED_OUTPUT_BYTES)
    text = job_log(JobRecord("fj-1", JobState.COMPLETED, "local", AT, events_log=str(path)), tmp_path).text
    assert text.startswith(f"… 10 bytes before this are only in {path}\nyyy")
    assert "x" not in text.partition("\n")[2]


def test_what_jobs_print_stands_between_a_worker_s_own_lines() -> None:
    def piece(seq: int, event: str) -> LogLine:
        return LogLine(line=f"@FJ1:0123456789abcdef:{seq}:1/1:{event}")

    lines = [
        LogLine(line="started", source="system"),
        piece(3, '{"t":"stdout","text":"no newline"}'),
        LogLine(line="ready"),
        piece(4, '{"t":"display","data":{"text/plain":"<Figure>"}}'),
        piece(4, '{"t":"display","data":{"text/plain":"<Figure>"}}'),
        piece(5, '{"t":"done"}'),
    ]
    assert readable(lines) == "started\nno newline\nready\n<Figure>\n"


def test_logs_by_job_and_by_endpoint(kernel: Callable[[], Session]) -> None:
    session = kernel()
    options = make_options(cpu=("cpu3c-2-4",), name="chatty")
    outcome = session.run_cell(CellRequest("print('said here')", {}, options), lambda _event: None)
    (of_job,) = logs(session, outcome.job_id[:9])
    assert (of_job.title, of_job.text) == (f"job {outcome.job_id} · COMPLETED · chatty", "said here\n")
    (of_worker,) = logs(session, "chatty")
    assert of_worker.title.startswith("worker ")
    assert "said here\n" in of_worker.text
    session.undeploy("chatty")
    with pytest.raises(OptionError, match="there is no endpoint and no job chatty"):
        logs(session, "chatty")
    with pytest.raises(OptionError, match="there is no job fj-nothing"):
        logs(session, "fj-nothing")


def test_a_job_of_a_scratch_copy_is_known_by_the_platform_s_id(local_settings: Settings) -> None:
    store = JobStore(local_settings.job_store)
    sent_by = "host:1:2.00:scratch-a1b2c3"
    store.insert(
        JobRecord("fj-5c4a7c", JobState.COMPLETED, "local", utc_now(), platform_id="previewed-u1", session=sent_by)
    )
    store.close()
    session = Session(local_settings)
    try:
        (log,) = logs(session, "previewed-u1")
    finally:
        session.close()
    assert log.title == "job fj-5c4a7c · COMPLETED"


def test_a_file_is_read_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    tail = FileTail(path)
    assert tail.read() == "", "there is none yet"
    path.write_text("one\n")
    assert (tail.read(), tail.read()) == ("one\n", "")
    with path.open("a") as file:
        file.write("two\n")
    assert tail.read() == "two\n"


def test_a_character_that_is_half_written_waits_for_its_rest(tmp_path: Path) -> None:
    path, euro = tmp_path / "job.log", "€".encode()
    path.write_bytes(b"5 " + euro[:1])
    tail = FileTail(path)
    assert tail.read() == "5 "
    with path.open("ab") as file:
        file.write(euro[1:])
    assert tail.read() == "€"


def test_of_a_long_file_the_end_is_read_and_the_rest_is_named(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    path.write_text("0123456789")
    assert FileTail(path, tail_bytes=4).read() == f"… 6 bytes before this are only in {path}\n6789"
