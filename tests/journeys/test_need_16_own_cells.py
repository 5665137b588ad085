"""What a detached job says is under its own cell, whatever runs meanwhile."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from foreign import released

pytestmark = pytest.mark.journey

ROOT = Path(__file__).resolve().parents[2]
JOB = """%%remote detach
import sys, time
from IPython.display import display
for n in range(12):
    print("{name}", n, flush=True)
    print("{name} error", n, file=sys.stderr, flush=True)
    time.sleep(0.1)
display("{name} display")
"""


def output_by_cell(notebook: Any, messages: list[str], until_all_done: float = 60) -> dict[str, str]:
    """All text that each cell put out, until the jobs of the first cells have ended."""
    texts = dict.fromkeys(messages, "")
    deadline = time.monotonic() + until_all_done
    while not all("is done" in texts[message] for message in messages[:-1]):
        assert time.monotonic() < deadline, texts
        message = notebook.client.get_iopub_msg(timeout=30)
        content, parent = message["content"], message["parent_header"].get("msg_id")
        said = content.get("text", "") or content.get("data", {}).get("text/plain", "")
        if parent in texts and message["msg_type"] in ("stream", "display_data", "update_display_data"):
            texts[parent] += said
    return texts


def test_need_16_two_detached_jobs_and_a_cell_that_prints(notebook: Any) -> None:
    outputs_stay_apart(notebook)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["6.31.0", "7.2.0"])
def test_need_16_on_older_kernels(version: str, shared_desk: Any) -> None:
    outputs_stay_apart(shared_desk.open(python=released(f"ipykernel=={version}", "-e", str(ROOT))))


def outputs_stay_apart(notebook: Any) -> None:
    """Run two detached jobs and a cell that prints at the same time; each has its own output, all of it."""
    notebook.ok("%%remote workers=2\n1")
    messages = [notebook.start(JOB.format(name=name)) for name in ("alpha", "beta")]
    messages.append(notebook.start("import time\nfor n in range(20):\n    print('gamma', n)\n    time.sleep(0.1)"))
    texts = output_by_cell(notebook, messages)
    for message, name in zip(messages[:2], ("alpha", "beta"), strict=True):
        assert set(re.findall("alpha|beta|gamma", texts[message])) == {name}
        assert re.findall(rf"{name} (\d+)", texts[message]) == [str(n) for n in range(12)]
        assert re.findall(rf"{name} error (\d+)", texts[message]) == [str(n) for n in range(12)]
        assert f"{name} display" in texts[message]
    assert set(re.findall("alpha|beta|gamma", texts[messages[2]])) <= {"gamma"}
