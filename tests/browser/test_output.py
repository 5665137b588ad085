"""What a cell shows in JupyterLab, while it runs and afterwards."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from lab import Lab

pytestmark = pytest.mark.browser

#: a cell which goes on when the test makes a file, so that what it showed before was shown while it ran
WAITS = """
    deadline = time.monotonic() + 60
    while not os.path.exists(flag) and time.monotonic() < deadline:
        time.sleep(0.02)
"""
#: a progress bar that never rests: a hundred thousand updates in some seconds
FLOOD = """%%remote
import sys, time
print('begin')
for i in range(100_001):
    sys.stdout.write(f'\\r{i / 1000:6.1f} %')
    if i % 20_000 == 0: time.sleep(0.5)
print()"""
#: count the outputs that the kernel sends to the page, and the frames in which the page's output changed
COUNT = """output => {
    const flood = window.flood = {messages: 0, frames: new Set()};
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const kinds = ['stream', 'display_data', 'update_display_data', 'clear_output'];
    kernel.iopubMessage.connect((_, message) => { flood.messages += kinds.includes(message.header.msg_type); });
    new MutationObserver(() => flood.frames.add(document.timeline.currentTime))
        .observe(output, {subtree: true, childList: true, characterData: true});
}"""
#: changes before a flood is known for one, and afterwards: text twice a second, the card once, a frame or two for each
AT_FIRST, PER_SECOND = 30, 6


def test_output_arrives_while_the_cell_runs(lab: Lab, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    lab.ok(f"import os, sys, time\nflag = {str(flag)!r}")
    cell = lab.run(
        f"%%remote\nprint('out')\nprint('err', file=sys.stderr)\nif True:{WAITS}\nprint('late')\nsum(range(10))"
    )
    cell.wait_for("err")
    assert cell.prompt == "[*]:"
    assert "late" not in cell.text
    flag.touch()
    cell.wait()
    assert cell.outputs[1:] == ["out", "err", "late", "45"]


def test_a_loop_that_clears_its_output_shows_its_last_plot_only(lab: Lab) -> None:
    cell = lab.ok(
        "%%remote\n"
        "import matplotlib.pyplot as plt\n"
        "from IPython.display import clear_output\n"
        "for step in range(3):\n"
        "    clear_output(wait=True)\n"
        "    plt.plot(range(step + 2))\n"
        "    plt.show()\n"
        "    print('step', step)\n"
    )
    assert cell.output.locator("img").count() == 1
    assert cell.output.locator("img").evaluate("image => image.naturalWidth") > 300
    assert "step 2" in cell.text
    assert "step 1" not in cell.text


def test_a_data_frame_is_a_table(lab: Lab) -> None:
    cell = lab.ok("%%remote\nimport pandas as pd\npd.DataFrame({'city': ['Oslo', 'Rome'], 'rain': [3, 1]})")
    table = cell.output.locator("table.dataframe")
    assert table.locator("th").all_inner_texts() == ["", "city", "rain", "0", "1"]
    assert table.locator("td").all_inner_texts() == ["Oslo", "3", "Rome", "1"]


def test_what_is_on_the_console_fails_a_test(lab: Lab) -> None:
    lab.page.evaluate("console.error('something broke')")
    assert [error.partition(" (")[0] for error in lab.errors] == ["something broke"]
    lab.errors.clear()


def test_a_hundred_thousand_progress_updates_change_the_page_a_few_times_a_second(lab: Lab) -> None:
    cell = lab.last_cell
    cell.output.evaluate(COUNT)
    started = time.monotonic()
    lab.ok(FLOOD)
    took_s = time.monotonic() - started
    cell.wait_for("100.0 %")
    messages, frames = lab.page.evaluate("() => [window.flood.messages, window.flood.frames.size]")
    assert cell.outputs[1:] == ["begin\n 100.0 %"]
    assert 0 < messages <= AT_FIRST + PER_SECOND * took_s
    assert 0 < frames <= AT_FIRST + PER_SECOND * took_s


def test_a_question_that_a_test_leaves_open_does_not_hold_up_the_next_one(lab: Lab) -> None:
    lab.page.locator('.jp-NotebookPanel-toolbar [data-command="notebook:restart-kernel"]').click()
    lab.page.get_by_role("dialog").wait_for()
    lab.dismiss_questions()
    assert lab.page.locator(".jp-Dialog").count() == 0
    assert lab.ok("1 + 1").outputs == ["2"]
