"""Need 12: whatever a worker writes is shown in order and at once, also the last of it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

pytestmark = pytest.mark.journey

LOG = "WARNING:root:log"
SOURCES = """%%remote
import ctypes, logging, os, subprocess, sys, time
for i in range(3):
    print('print', i)
    print('error', i, file=sys.stderr)
    logging.warning('log %d', i)
    subprocess.run(['sh', '-c', f'echo child {i}; echo child-error {i} >&2'])
    ctypes.CDLL(None).puts(f'C {i}'.encode())
    os.write(2, f'descriptor {i}\\n'.encode())
    time.sleep(1)
"""


def test_need_12_every_way_to_write_is_shown_in_order_and_once(notebook: Any) -> None:
    notebook.ok("%%remote\n1")
    message, started = notebook.start(SOURCES), time.monotonic()
    first = notebook.wait(message, until=lambda cell: "descriptor 0" in cell.stderr)
    assert time.monotonic() - started < 2 * 4, "the first round is shown long before the last; 4 for a slow machine"
    assert "descriptor 2" not in first.stderr
    cell = notebook.wait(message)
    outputs = first.outputs + cell.outputs
    for name, said in (("stdout", ("print", "child", "C")), ("stderr", ("error", LOG, "child-error", "descriptor"))):
        text = "".join(text for kind, text in outputs if kind == name)
        assert text.splitlines() == [f"{who} {i}" for i in range(3) for who in said]
    streams = "".join(text for kind, text in outputs if kind in ("stdout", "stderr"))
    places = [streams.index(f"{who} {i}\n") for i in range(3) for who in ("print", "error", LOG, "child")]
    assert places == sorted(places), "what Python writes is in order between the streams too"


def test_need_12_a_worker_that_ends_itself_leaves_all_that_it_said(desk: Any) -> None:
    notebook = desk.open()
    cell = notebook.run(
        "%%remote\nimport os\nfor i in range(1000):\n    print('line', i)\nos.write(2, b'below python')\nos._exit(1)"
    )
    assert cell.stdout.splitlines() == [f"line {i}" for i in range(1000)]
    assert cell.stderr == "below python"
    assert cell.ename == "WorkerLost"
    assert re.fullmatch(
        r"WorkerLost: the worker died while it ran the job; it was not run again\n"
        r"    \w{14}: exit code 1\n"
        r"  → look at its last lines, then run it again",
        cell.traceback,
    )
    assert notebook.ok("%%remote\n'again'").result == "'again'"


def test_need_12_a_crash_shows_the_line_that_crashed(desk: Any) -> None:
    cell = desk.open().run("%%remote\nimport ctypes\nprint('before')\nctypes.string_at(0)")
    assert cell.stdout == "before\n"
    assert "killed by signal 11" in cell.traceback
    assert "Fatal Python error: Segmentation fault" in cell.traceback
    assert re.search(r'File "Cell In\[\d+\]", line 4 in <module>', cell.traceback)


def test_need_12_processes_that_were_forked_print_too(notebook: Any) -> None:
    cell = notebook.ok(
        "%%remote\nimport multiprocessing\ncontext = multiprocessing.get_context('fork')\n"
        "for i in range(3):\n    p = context.Process(target=print, args=('child', i)); p.start(); p.join()\nprint('end')"
    )
    assert cell.stdout == "child 0\nchild 1\nchild 2\nend\n"
