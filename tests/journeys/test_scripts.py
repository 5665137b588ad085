"""Scripts in the published style, as a customer has them: run as scripts, in a REPL, and pasted into a notebook."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from flash_jupyter.session.jobs import JobStore
from flash_jupyter.session.session import Session

pytestmark = pytest.mark.journey

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "examples"
#: what each example prints; `load_balancer` has a test of its own
PRINTED = {
    "endpoint": "[3, 6]\n{'item': 'tea', 'price': 6} {'status': 'healthy'}\nNotFoundError\n",
    "getting_started": "COMPLETED 3.0 None\n",
    "parallel": (
        "COMPLETED 1 None\nCOMPLETED 4 None\nFAILED None ValueError: negative: -3\nCOMPLETED 16 None\n"
        "raised: negative: -3\n"
    ),
    "pipeline": "{'total': 30}\n",
    "stateful_class": "11 16\n",
}


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_runs_as_a_script(shared_desk: Any, name: str) -> None:
    done = shared_desk.python(str(EXAMPLES / f"{name}.py"))
    assert (done.returncode, done.stdout, done.stderr) == (0, PRINTED[name], "")


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_runs_in_a_cell(notebook: Any, name: str) -> None:
    cell = notebook.ok((EXAMPLES / f"{name}.py").read_text())
    assert cell.stdout == PRINTED[name]
    assert cell.stderr == ""


def test_an_example_runs_in_a_notebook_that_never_loaded_the_extension(shared_desk: Any) -> None:
    notebook = shared_desk.open(load=False)
    assert notebook.ok((EXAMPLES / "pipeline.py").read_text()).stdout == PRINTED["pipeline"]
    assert notebook.ok("asyncio.run(main())").stdout == PRINTED["pipeline"]


def test_nothing_is_patched_before_a_cell_asks_for_it(shared_desk: Any) -> None:
    notebook = shared_desk.open()
    patched = "hasattr(__import__('asyncio').get_event_loop(), '_nest_patched')"
    notebook.ok("from flash_jupyter import remote\n@remote\ndef f(x): return x + 1")
    assert notebook.ok("(await f(1)).output").result == "2"
    assert notebook.value(patched) is False
    notebook.ok("import asyncio\nasync def main(): return 1\nasyncio.run(main())")
    assert notebook.value(patched) is True


def test_a_notebook_may_refuse_nested_loops(shared_desk: Any) -> None:
    notebook = shared_desk.open(load=False)
    notebook.ok("%load_ext flash_jupyter")
    notebook.ok("%config RemoteMagics.nest_asyncio = 'never'")
    cell = notebook.run("import asyncio\nasync def main(): return 1\nasyncio.run(main())")
    assert cell.ename == "RuntimeError"
    assert "cannot be called from a running event loop" in cell.error


def indented(text: str) -> str:
    """The code of a text in Markdown."""
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ") or not line]
    return "\n".join(lines).strip() + "\n"


def test_the_readme_tells_the_truth(shared_desk: Any) -> None:
    section = (ROOT / "README.md").read_text().partition("## Functions")[2].partition("\n## ")[0]
    before, _, after = section.partition("It prints\n")
    program, printed = indented(before), indented(after)
    done = shared_desk.python("-c", program)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == printed


def test_functions_in_a_notebook(notebook: Any) -> None:
    notebook.ok("from flash_jupyter import remote, JobOutput\nK = 3\ndef helper(x): return x * K")
    cell = notebook.ok("%%time\n@remote\ndef f(x):\n    print('there', x)\n    return helper(x)")
    cell = notebook.ok("job = await f(2)\njob.output")
    assert (cell.result, cell.stdout) == ("6", "there 2\n")
    notebook.ok("K = 10")
    assert notebook.ok("f.remote(2).output").result == "20"
    assert notebook.ok("remote(lambda x: x * K).remote(4).output").result == "40"
    assert notebook.ok("[job.output for job in f.map([1, 2])]").result == "[10, 20]"
    cell = notebook.ok("%%remote\nimport asyncio\nafter = f.__name__")
    assert notebook.value("after") == "f"


def test_a_display_of_a_function_is_shown(notebook: Any) -> None:
    cell = notebook.ok(
        "from flash_jupyter import remote\n"
        "@remote\ndef f():\n    from IPython.display import HTML\n    display(HTML('<b>bold</b>'))\n    return 1\n"
        "(await f()).output"
    )
    assert cell.result == "1"
    assert any(bundle.get("text/html") == "<b>bold</b>" for bundle in cell.bundles)


def test_map_shows_how_far_it_is(notebook: Any) -> None:
    cell = notebook.ok("from flash_jupyter import remote\n@remote\ndef f(x): return x\n_ = f.map(range(5))")
    shown = [text for kind, text in cell.outputs if kind in ("display", "update") and text.startswith("f: ")]
    assert (shown[0], shown[-1]) == ("f: 0 of 5", "f: 5 of 5")


def test_an_interrupt_of_an_awaited_call_cancels_its_job(notebook: Any) -> None:
    notebook.ok(
        "from flash_jupyter import remote\n@remote\ndef f(s):\n    import time\n    print('begun')\n    time.sleep(s)\n    return s"
    )
    notebook.ok("await f(0)")
    message = notebook.start("await f(60)")
    notebook.wait(message, until=lambda cell: "begun" in cell.stdout)
    notebook.interrupt()
    cell = notebook.wait(message)
    assert cell.ename in ("KeyboardInterrupt", "CancelledError")
    assert re.fullmatch(r"\w+: cancelled, worker stopped \(ran \d+ s\)", cell.traceback), cell.traceback
    assert "CANCELLED" in notebook.ok("%flash jobs").displays[-1].splitlines()[1]


REPL = """
from flash_jupyter import remote
SCALE = 7
def helper(x):
    return x * SCALE

@remote
def f(x):
    return helper(x)

print(f.remote(6).output)
g = remote(lambda x: x + SCALE)
print(g.remote(1).output)
"""


def test_functions_in_a_repl(shared_desk: Any) -> None:
    done = shared_desk.python("-i", "-q", stdin=REPL)
    assert done.stdout == "42\n8\n"


def test_functions_of_an_imported_local_module(shared_desk: Any, fresh: str) -> None:
    (shared_desk.folder / "jobs_of_mine.py").write_text(
        "from flash_jupyter import remote, CpuLiveServerless\nimport helpers_of_mine\nSEEN = []\n\n\n"
        f"@remote(CpuLiveServerless(name='{fresh}'))\ndef f(x):\n"
        "    SEEN.append(x)\n    return helpers_of_mine.twice(x), len(SEEN)\n"
    )
    (shared_desk.folder / "helpers_of_mine.py").write_text("def twice(x):\n    return 2 * x\n")
    done = shared_desk.python("-c", "from jobs_of_mine import f; print(f.remote(3).output, f.remote(4).output)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "(6, 1) (8, 2)\n", "")


def test_importing_stays_quick_and_light(shared_desk: Any) -> None:
    program = "import json, sys; before = set(sys.modules); import flash_jupyter; print(json.dumps(sorted(set(sys.modules) - before)))"
    new = {name.split(".")[0] for name in json.loads(shared_desk.python("-c", program).stdout)}
    assert new <= {"flash_jupyter", "__future__", "typing", "importlib"} | set(sys.stdlib_module_names)


INTERRUPTED = """
import asyncio, sys
from flash_jupyter import remote

@remote
def slow():
    import time
    print("begun", flush=True)
    time.sleep(60)

async def main():
    await slow()

{call}
"""


@pytest.mark.parametrize("call", ["slow.remote()", "asyncio.run(main())"], ids=["synchronous", "awaited"])
def test_an_interrupt_of_a_script_cancels_its_job(shared_desk: Any, call: str) -> None:
    process = shared_desk.start_python("-c", INTERRUPTED.format(call=call))
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors
    if call == "slow.remote()":
        assert re.search(r"\nKeyboardInterrupt: cancelled, worker stopped \(ran \d+ s\)\n$", errors), errors
        assert errors.count("\n  File ") == 1, errors
    jobs = JobStore(shared_desk.settings.job_store)
    assert jobs.newest(limit=1)[0].state.value == "CANCELLED"
    jobs.close()


MANY = """
from flash_jupyter import remote

@remote
def slow(n):
    import time
    print("begun", flush=True)
    time.sleep(60 * n)

{call}
"""
LEFT = [
    ("slow.map([0, 1])", r"KeyboardInterrupt: \d calls had ended, [12] were cancelled", "CANCELLED"),
    ("slow.spawn(1).result()", r"KeyboardInterrupt: job fj-\w+ goes on; its cancel\(\) stops it", "IN_PROGRESS"),
]


@pytest.mark.parametrize(("call", "text", "state"), LEFT, ids=["many calls", "a job of its own"])
def test_an_interrupt_of_a_script_says_what_became_of_its_jobs(
    shared_desk: Any, call: str, text: str, state: str
) -> None:
    process = shared_desk.start_python("-c", MANY.format(call=call))
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.count("\n  File ")) == (-signal.SIGINT, 1), errors
    assert re.fullmatch(text, errors.splitlines()[-1]), errors
    jobs = JobStore(shared_desk.settings.job_store)
    assert jobs.newest(limit=1)[0].state.value == state
    job = jobs.newest(limit=1)[0].id
    jobs.close()
    with contextlib.closing(Session(shared_desk.settings)) as session:
        session.cancel(job)


def test_map_draws_a_bar_in_a_terminal(shared_desk: Any) -> None:
    terminal, other_end = pty.openpty()
    program = (
        "from flash_jupyter import remote\nf = remote(lambda x: x)\nprint(sum(job.output for job in f.map(range(4))))"
    )
    process = shared_desk.start_python("-c", program, stderr=other_end)
    os.close(other_end)
    shown = b""
    with contextlib.suppress(OSError):  # the program has ended
        while piece := os.read(terminal, 65536):
            shown += piece
    os.close(terminal)
    output, _ = process.communicate(timeout=30)
    assert output == "6\n"
    assert b"4/4" in shown
