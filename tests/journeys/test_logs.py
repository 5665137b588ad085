"""`%flash logs`: what a job printed, and the last lines of an endpoint's workers."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey


def test_logs_by_job_and_by_endpoint(notebook: Any) -> None:
    notebook.ok("%%remote cpu=cpu3c-2-4 name=with-a-log\nprint('first')\nprint('second')")
    (jobs,) = notebook.ok("%flash jobs --json").bundles
    job = jobs["application/json"]["jobs"][0]["id"]
    assert notebook.ok(f"%flash logs {job}").displays == [f"job {job} · COMPLETED · with-a-log\nfirst\nsecond"]
    lines = notebook.ok("%flash logs with-a-log -n 50").displays[-1].splitlines()
    assert lines[0].startswith("worker ")
    assert lines[-2:] == ["first", "second"]
    told, fix = notebook.run("%flash logs").stderr.splitlines()
    assert told.startswith("UsageError: %flash logs: missing argument")
    assert fix == "  → write %flash logs NAME [--lines LINES] [--json]; more with --help"
