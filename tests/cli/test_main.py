"""The command line from outside: output, error text, exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from flash_jupyter import __version__
from flash_jupyter.cli.main import app
from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.owner import new_session_id, scratch_owner
from flash_jupyter.session.records import JobRecord
from flash_jupyter.settings import read_settings
from flash_jupyter.states import JobState


def flash(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `flash` as the entry point does."""
    program = "from flash_jupyter.cli import main; main()"
    environ = {"FLASH_JUPYTER_HOME": str(home), "FLASH_JUPYTER_BACKEND": "local", "PATH": "", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version(flash_home: Path) -> None:
    done = flash(flash_home, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("arguments", [["nonsense"], ["jobs", "--nonsense"], ["jobs", "--limit", "x"]])
def test_usage_errors_exit_with_two(flash_home: Path, arguments: list[str]) -> None:
    done = flash(flash_home, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage" in done.stderr


def test_help_shows_a_value_of_options_that_take_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    asked = 0
    for words in _commands(get_command(app)):
        shown = CliRunner().invoke(app, [*words, "--help"]).stdout
        asked += "--help" in shown
        assert "<bool>" not in shown, words
        assert "BOOLEAN" not in shown, words
    assert asked > 30
    assert re.search(r"--limit +<int", shown_of("jobs", "--help"))


def test_so_does_the_help_of_a_group_without_a_word() -> None:
    assert "--version  " in shown_of()
    assert "<bool>" not in shown_of() + shown_of("deploy") + shown_of("local", "faults")


def shown_of(*words: str) -> str:
    return CliRunner().invoke(app, [*words]).output


def _commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, *words, name)


def test_no_jobs_are_an_empty_object(flash_home: Path) -> None:
    done = flash(flash_home, "jobs", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"jobs": []})


def test_jobs_are_listed_newest_first(flash_home: Path) -> None:
    store = JobStore(read_settings({"FLASH_JUPYTER_HOME": str(flash_home)}).job_store)
    for number in (1, 2):
        store.insert(JobRecord(f"fj-{number}", JobState.COMPLETED, "local", f"2026-01-0{number}T00:00:00.000Z"))
    store.close()
    jobs = json.loads(flash(flash_home, "jobs", "--json").stdout)["jobs"]
    assert [job["id"] for job in jobs] == ["fj-2", "fj-1"]
    assert set(jobs[0]) == {
        *("id", "platform_id", "name", "state", "endpoint_id", "backend", "notebook", "cell_id"),
        *("created_at", "finished_at", "cost_usd", "has_result", "outcome", "called"),
    }
    lines = flash(flash_home, "jobs").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["fj-2", "COMPLETED"], ["fj-1", "COMPLETED"]]


def test_jobs_of_scratch_copies_are_listed_only_with_all_and_take_nobody_s_place(flash_home: Path) -> None:
    settings = read_settings({"FLASH_JUPYTER_HOME": str(flash_home)})
    sessions = {"fj-1": new_session_id("ann"), "fj-2": new_session_id(scratch_owner("ann")), "fj-3": None}
    store = JobStore(settings.job_store)
    for number, (job_id, session) in enumerate(sessions.items(), 1):
        created_at = f"2026-01-0{number}T00:00:00.000Z"
        store.insert(JobRecord(job_id, JobState.COMPLETED, "local", created_at, session=session))
    store.close()

    def listed(*options: str) -> list[str]:
        return [job["id"] for job in json.loads(flash(flash_home, "jobs", "--json", *options).stdout)["jobs"]]

    assert listed("--limit", "2") == ["fj-3", "fj-1"]
    assert listed("--all") == ["fj-3", "fj-2", "fj-1"]


def test_errors_go_to_stderr_with_what_to_do(flash_home: Path) -> None:
    flash_home.write_text("a file stands here")
    done = flash(flash_home, "jobs")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: the job store {flash_home / 'jobs.sqlite'} can't be used: ")
    assert done.stderr.rstrip().endswith("→ make that folder writable, or point FLASH_JUPYTER_HOME to one that is")


def test_errors_are_json_with_json(flash_home: Path) -> None:
    flash_home.write_text("a file stands here")
    done = flash(flash_home, "jobs", "--json")
    error = json.loads(done.stderr)["error"]
    assert (done.returncode, done.stdout, error["type"]) == (1, "", "SettingsError")
    assert error["fix"] == "make that folder writable, or point FLASH_JUPYTER_HOME to one that is"
