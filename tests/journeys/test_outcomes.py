"""What became of a job is listed as a reader needs it: what its code raised, and that a cancel in time is obeyed."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey


def newest(desk: Any) -> dict[str, Any]:
    """The newest job, as a terminal lists it."""
    import json

    done = desk.python("-c", "from flash_jupyter.cli import main; main()", "jobs", "--json")
    assert done.returncode == 0, done.stderr
    job: dict[str, Any] = json.loads(done.stdout)["jobs"][0]
    return job


def test_a_cell_that_raised_is_listed_as_such(notebook: Any, shared_desk: Any) -> None:
    assert notebook.run("%%remote\nint('no')").ename == "ValueError"
    listed = notebook.ok("%flash jobs")
    assert any("raised ValueError" in text for text in listed.displays)
    job = newest(shared_desk)
    assert (job["state"], job["outcome"]) == ("COMPLETED", "raised ValueError")
    notebook.ok("%%remote\n1")
    notebook.ok("%flash jobs")
    assert newest(shared_desk)["outcome"] == "COMPLETED"


def test_a_cancel_from_beside_before_the_job_is_sent_is_obeyed(notebook: Any, shared_desk: Any, fresh: str) -> None:
    shared_desk.python("-c", "from flash_jupyter.cli import main; main()", "local", "start")
    faults = ["local", "faults", "set", "latency", "--route", "create", "--seconds", "8"]
    assert not shared_desk.python("-c", "from flash_jupyter.cli import main; main()", *faults).returncode
    try:
        message = notebook.start(f"%%remote name={fresh}\nimport time\ntime.sleep(600)\nprint('it ran')")
        notebook.wait(message, until=lambda cell: "provisioning" in cell.status)
        job_id = newest(shared_desk)["id"]
        done = shared_desk.python("-c", "from flash_jupyter.cli import main; main()", "cancel", job_id)
        assert done.stdout.startswith(f"{job_id}: cancelled from a terminal")  # before it was sent, if it is quick
        cell = notebook.wait(message)
    finally:
        shared_desk.python("-c", "from flash_jupyter.cli import main; main()", "local", "faults", "clear")
    assert cell.ename == "JobWasCancelled"
    assert "it ran" not in cell.stdout
    assert newest(shared_desk)["outcome"] == "CANCELLED"
