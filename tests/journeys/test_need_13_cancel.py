"""Need 13: a running cell says where a Cancel button belongs, and a cancel from beside its kernel ends it in seconds."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from foreign import released
from frontend import Frontend

from flash_jupyter.views.card import JOB_VIEW

pytestmark = pytest.mark.journey

ROOT = Path(__file__).resolve().parents[2]
LONG = "%%remote\nimport time\nprint('begun', flush=True)\nfor _ in range(1200): time.sleep(0.1)"
WORDS = "to cancel, interrupt the kernel (■)"


def card_of(page: Frontend) -> dict[str, Any]:
    """The card as it stands now."""
    return next((data for data in page.displays.values() if "text/html" in data), {})


def cancel_from_beside(notebook: Any, desk: Any) -> None:
    """Do what a click does: the page asks the Jupyter server, which calls what `flash cancel` calls."""
    page = Frontend(notebook.client)
    page.execute(LONG)
    page.until(lambda: JOB_VIEW in card_of(page))
    assert WORDS in card_of(page)["text/html"]  # for what does not draw the button
    job_id = card_of(page)[JOB_VIEW]["job_id"]
    asked_at = time.monotonic()
    done = desk.python("-c", "from flash_jupyter.cli import main; main()", "cancel", job_id)
    assert done.returncode == 0, done.stderr
    page.until(lambda: page.is_idle)
    assert time.monotonic() - asked_at < 30  # 5 s, on a machine that is not busy
    assert page.error.startswith("JobWasCancelled: the job was cancelled from a terminal")
    assert card_of(page)["text/plain"].startswith("cancelled from a terminal after ")
    assert JOB_VIEW not in card_of(page)
    assert page.comms == {}
    assert notebook.ok("%%remote\n6 * 7").result == "42"


def test_need_13_a_cancel_from_beside_the_kernel_ends_the_cell(notebook: Any, shared_desk: Any) -> None:
    cancel_from_beside(notebook, shared_desk)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["6.31.0", "7.2.0", "7.3.0"])
def test_need_13_it_does_on_other_kernels(version: str, shared_desk: Any) -> None:
    python = released(f"ipykernel=={version}", "-e", str(ROOT))
    cancel_from_beside(shared_desk.open(python=python), shared_desk)
