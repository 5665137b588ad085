"""Need 17: a flood of output updates the page seldom, is bounded where it is saved, and whole in the log."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from emulated import wait_for

from flash_jupyter.session.local_admin import LocalAdmin

pytestmark = pytest.mark.journey

#: updates of the page before it is known for a flood
AT_FIRST = 15


def whole_log(note: str, size: int) -> Path:
    """The log that a note points to, which is written in the background, once it has so many bytes."""
    path = Path(note.partition("all of it: ")[2])
    wait_for(lambda: path.stat().st_size >= size, within_s=60)
    wait_for(lambda: path.stat().st_size >= size, within_s=60)
    assert path.stat().st_size == size
    return path


@pytest.mark.slow
def test_need_17_fifty_megabytes_are_bounded_in_the_notebook_and_whole_in_the_log(notebook: Any) -> None:
    started = time.monotonic()
    cell = notebook.ok(
        "%%remote\nline = 'x' * 91\nfor i in range(500_000):\n    print(line, f'{i:07}')\nprint('the end')\nafter = 1"
    )
    took_s = time.monotonic() - started
    assert cell.stdout.startswith("x" * 91 + " 0000000\n")
    assert cell.stdout.endswith(" 0499999\nthe end\n")
    assert len(cell.stdout) <= 1_000_000
    assert len(cell.outputs) <= AT_FIRST + 2 * 2 * took_s, "text and its preview, each twice a second"
    note = next(text for text in reversed(cell.displays) if "left out" in text)
    found = re.fullmatch(r"… 49\.0 MB of text left out here; all of it: (.*)", note)
    assert found
    lines = whole_log(note, 50_000_008).read_text().splitlines()
    assert [line[92:] for line in lines[:-1]] == [f"{i:07}" for i in range(500_000)]
    assert notebook.value("after") == 1


@pytest.mark.slow
def test_need_17_what_a_new_worker_said_before_anybody_knew_of_it_is_not_lost(notebook: Any, shared_desk: Any) -> None:
    """Its log has more lines by then than the last ones that a stream begins with."""
    notebook.ok("%%remote\n1")  # the embedded Runpod runs
    admin = LocalAdmin(shared_desk.settings)
    admin.set_fault("latency", endpoint="unheard", route="status", seconds=5)
    cell = notebook.ok(
        "%%remote name=unheard\nfor i in range(200_000):\n    print('x' * 92, f'{i:06}')\nimport time\ntime.sleep(15)"
    )
    admin.clear_faults()
    note = next(text for text in reversed(cell.displays) if "left out" in text)
    lines = whole_log(note, 20_000_000).read_text().splitlines()
    assert [line[93:] for line in lines] == [f"{i:06}" for i in range(200_000)]
    assert not [text for text in cell.displays if "were lost" in text]


def test_need_17_a_hundred_thousand_progress_updates_are_one_line(notebook: Any) -> None:
    started = time.monotonic()
    cell = notebook.ok(
        "%%remote\nimport sys, time\nprint('begin')\nfor i in range(100_001):\n    sys.stdout.write(f'\\r{i / 1000:6.1f} %')\n"
        "    if i % 20_000 == 0: time.sleep(0.3)\nprint()"
    )
    took_s = time.monotonic() - started
    assert cell.stdout.endswith(" 100.0 %\n")
    assert len(cell.outputs) <= AT_FIRST + 2 * took_s
    assert len(cell.stdout) < 100_000


def test_need_17_updates_of_a_display_are_thinned_out_and_the_last_one_stays(notebook: Any) -> None:
    started = time.monotonic()
    cell = notebook.ok(
        "%%remote\nimport time\nh = display(0, display_id=True)\nfor i in range(300):\n    h.update(i)\n    time.sleep(0.01)"
    )
    took_s = time.monotonic() - started
    assert cell.outputs[-1] == ("update", "299")
    assert len(cell.outputs) <= AT_FIRST + 2 * took_s


def test_need_17_what_a_flood_held_back_is_shown_when_it_is_over(notebook: Any) -> None:
    message = notebook.start(
        "%%remote\nimport time\nfor i in range(40):\n    print(i)\n    time.sleep(0.02)\nprint('then silence')\ntime.sleep(20)"
    )
    cell = notebook.wait(message, until=lambda cell: "then silence" in cell.stdout, timeout_s=19)
    assert cell.stdout.startswith("0\n1\n")
    notebook.interrupt()
    notebook.wait(message)


def test_need_17_a_cell_that_fails_points_to_its_log_too(notebook: Any) -> None:
    cell = notebook.run("%%remote\nfor i in range(30_000):\n    print('x' * 99)\nraise ValueError('no')")
    assert cell.ename == "ValueError"
    note = next(text for text in reversed(cell.displays) if "left out" in text)
    whole_log(note, 3_000_000)
