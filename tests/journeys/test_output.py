"""What a cell shows: in order, in its cell, and never without bound."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey


def test_streams_keep_their_order(notebook: Any) -> None:
    cell = notebook.ok(
        "%%remote\nimport sys\nfor i in range(3):\n    print('out', i)\n    print('err', i, file=sys.stderr)"
    )
    assert cell.stdout == "out 0\nout 1\nout 2\n"
    assert cell.stderr == "err 0\nerr 1\nerr 2\n"
    streams = "".join(text for kind, text in cell.outputs if kind in ("stdout", "stderr"))
    assert streams == "out 0\nerr 0\nout 1\nerr 1\nout 2\nerr 2\n"


def test_output_appears_while_the_cell_runs(notebook: Any) -> None:
    message = notebook.start("%%remote\nimport time\nprint('early', flush=True)\ntime.sleep(30)")
    cell = notebook.wait(message, until=lambda cell: "early" in cell.stdout, timeout_s=50)
    assert cell.stdout == "early\n"
    notebook.interrupt()
    notebook.wait(message)


def test_a_cell_may_await(notebook: Any) -> None:
    notebook.ok("async def later(x):\n    import asyncio\n    await asyncio.sleep(0.01)\n    return x * 2")
    assert notebook.ok("%%remote\nimport asyncio\ny = await later(21)\ny").result == "42"


def test_displays_are_shown_and_updated(notebook: Any) -> None:
    cell = notebook.ok(
        "%%remote\nfrom IPython.display import display, HTML\n"
        "handle = display(HTML('<b>one</b>'), display_id=True)\nhandle.update(HTML('<b>two</b>'))\nprint('end')"
    )
    shown = [bundle["text/html"] for bundle in cell.bundles if "<b>" in bundle.get("text/html", "")]
    assert shown == ["<b>one</b>", "<b>two</b>"]
    assert [kind for kind, _ in cell.outputs][:3] == ["display", "update", "stdout"]


def test_display_needs_no_import(notebook: Any) -> None:
    assert "[1, 2]" in notebook.ok("%%remote\ndisplay([1, 2])").displays


def test_a_plot_drawn_on_the_worker_is_shown(notebook: Any) -> None:
    cell = notebook.ok("%%remote\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert any("image/png" in bundle for bundle in cell.bundles)


def test_clear_output_clears_the_cell(notebook: Any) -> None:
    cell = notebook.ok("%%remote\nfrom IPython.display import clear_output\nprint('a')\nclear_output()\nprint('b')")
    assert [kind for kind, _ in cell.outputs][:3] == ["stdout", "clear", "stdout"]


def test_shell_lines_run_on_the_worker(notebook: Any) -> None:
    assert notebook.ok("%%remote\n!echo from the shell").stdout == "from the shell\n"
    assert notebook.ok("%%remote\nlines = !echo kept\nlines[0]").result == "'kept'"


def test_output_of_c_code_and_of_subprocesses_is_caught(notebook: Any) -> None:
    cell = notebook.ok(
        "%%remote\nimport os, subprocess\nos.write(1, b'raw\\n')\nsubprocess.run(['echo', 'child'])\nNone"
    )
    assert cell.stdout == "raw\nchild\n"


def test_warnings_go_to_stderr(notebook: Any) -> None:
    cell = notebook.ok("%%remote\nimport warnings\nwarnings.warn('careful')\nprint('on')")
    assert cell.stdout == "on\n"
    assert "UserWarning: careful" in cell.stderr


def test_logging_goes_to_stderr(notebook: Any) -> None:
    cell = notebook.ok("%%remote\nimport logging\nlogging.warning('look')")
    assert cell.stderr == "WARNING:root:look\n"
