"""What a cell does to its process: forks, and children that print."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from cells import Notebook, WorkerProcess, text


def test_a_forked_child_prints_in_order_with_its_parent(bare: Notebook) -> None:
    answer = bare.there(
        "import os\nprint('before')\nchild = os.fork()\nif child == 0:\n    print('child')\n    os._exit(0)\n"
        "os.waitpid(child, 0)\nprint('after');"
    )
    assert text(answer) == "before\nchild\nafter\n"


def test_processes_of_multiprocessing_print(bare: Notebook) -> None:
    answer = bare.there(
        "import multiprocessing\ndef work(n): print('n', n)\ncontext = multiprocessing.get_context('fork')\n"
        "processes = [context.Process(target=work, args=(n,)) for n in range(3)]\n"
        "for p in processes: p.start(); p.join()\nprint('end');"
    )
    assert text(answer) == "n 0\nn 1\nn 2\nend\n"


def test_what_was_printed_before_a_sudden_end_is_in_the_log(tmp_path: object) -> None:
    program = (
        "import os, sys\nfrom flash_jupyter.capsule import Sender\nfrom flash_jupyter.worker import driver\n"
        "order = {'kind': 'cell', 'run': '0123456789abcdef', 'filename': 'cell', 'source':"
        ' \'import os\\nprint("one")\\nprint("two", end="")\\nos.write(2, b"three")\\nos._exit(3)\'}\n'
        "driver.run(Sender({}).pack({}, (), order))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 3
    assert [line.partition(":{")[2] for line in done.stdout.splitlines()] == [
        '"t":"stdout","text":"one\\n"}',
        '"t":"stdout","text":"two"}',
        '"t":"stderr","text":"three"}',
    ]


def test_a_crash_leaves_the_python_lines_that_led_to_it(tmp_path: object) -> None:
    program = (
        "from flash_jupyter.capsule import Sender\nfrom flash_jupyter.worker import driver\n"
        "order = {'kind': 'cell', 'run': '0123456789abcdef', 'filename': 'Cell In[3]', 'source':"
        " 'import ctypes\\nctypes.string_at(0)'}\ndriver.run(Sender({}).pack({}, (), order))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode < 0
    assert "Fatal Python error: Segmentation fault" in done.stdout
    assert 'File "Cell In[3]", line 2' in done.stdout


NO_INPUT = " does not work on a worker: nobody can type there. Ask in a cell without %%remote."
NO_DEBUGGER = " does not work on a worker: nobody can type there. Print what you need, or run the cell with `local`."
CASES = [
    ("input", "input('name? ')", "input()" + NO_INPUT),
    ("reading lines", "import sys\nfor line in sys.stdin: pass", "input()" + NO_INPUT),
    ("a password", "import getpass\ngetpass.getpass()", "getpass()" + NO_INPUT),
    ("a password, asked by its name", "from getpass import getpass\ngetpass('? ')", "getpass()" + NO_INPUT),
    ("a breakpoint", "x = 1\nbreakpoint()", "breakpoint()" + NO_DEBUGGER),
    ("the debugger", "import pdb\npdb.set_trace()", "pdb.set_trace()" + NO_DEBUGGER),
]


@pytest.mark.parametrize(("cell", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_it_is_refused_at_the_line_of_the_cell(bare: Notebook, cell: str, message: str) -> None:
    answer = bare.there(cell)
    assert answer.order["error"]["message"] == message
    assert [frame["line"] for frame in answer.order["error"]["frames"]] == [cell.count("\n") + 1]
    assert "Warning" not in str(answer.order["events"])


def test_a_child_process_reads_nothing(bare: Notebook) -> None:
    cell = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'input()'], stderr=-3, timeout=20).returncode"
    assert bare.there(cell).result == 1


BARS = [
    ("tqdm", "from tqdm import tqdm"),
    ("tqdm.auto", "from tqdm.auto import tqdm"),
    ("tqdm.notebook", "from tqdm.notebook import tqdm"),
    ("tqdm.notebook, by its long name", "from tqdm.notebook import tqdm_notebook as tqdm"),
    ("trange of tqdm.notebook", "from tqdm.notebook import trange\ntqdm = lambda numbers: trange(len(numbers))"),
]


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    process = WorkerProcess()
    yield process
    process.close()


@pytest.fixture
def notebook(worker: WorkerProcess) -> Notebook:
    return Notebook(worker)


@pytest.mark.parametrize("cell", [case[1] for case in BARS], ids=[case[0] for case in BARS])
def test_a_progress_bar_is_text(notebook: Notebook, cell: str) -> None:
    answer = notebook.there(f"{cell}\nfor _ in tqdm(range(3)): pass")
    assert answer.order["error"] is None
    assert "\r100%|██████████| 3/3 [" in text(answer, "stderr")
    assert {event["t"] for _, event in answer.order["events"]} == {"stderr"}


def test_a_widget_shows_its_text_and_promises_no_model(notebook: Notebook) -> None:
    answer = notebook.there("import ipywidgets\ndisplay(ipywidgets.IntSlider(3))")
    ((_, event),) = answer.order["events"]
    assert event["data"] == {"text/plain": "IntSlider(value=3)"}


def test_an_object_that_displays_itself_does(notebook: Notebook) -> None:
    answer = notebook.there(
        "class Own:\n    def _ipython_display_(self): print('itself')\n"
        "class Broken:\n    def _ipython_display_(self): 1 / 0\n    def __repr__(self): return 'fallback'\n"
        "display(Own(), Broken())"
    )
    events = [(event["t"], event.get("text") or event["data"]["text/plain"]) for _, event in answer.order["events"]]
    assert events == [("stdout", "itself\n"), ("display", "fallback")]


def test_a_figure_is_displayed_as_its_picture(notebook: Notebook) -> None:
    answer = notebook.there("from matplotlib.figure import Figure\nfig = Figure(); fig.add_subplot(); display(fig)")
    ((_, event),) = answer.order["events"]
    assert sorted(event["data"]) == ["image/png", "text/plain"]
