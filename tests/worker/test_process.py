"""What a cell does to its process: forks, and children that print."""

from __future__ import annotations

import os
import subprocess
import sys

from cells import Notebook, text


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
