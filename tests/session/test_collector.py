from __future__ import annotations

import os
import subprocess
import sys
import threading

from flash_jupyter.session.collector import wait_for_end
from flash_jupyter.session.owner import may_live, new_session_id


def test_it_waits_until_the_pipe_is_closed() -> None:
    ours, theirs = os.pipe()
    waiting = threading.Thread(target=wait_for_end, args=(ours, os.getppid()))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    os.close(theirs)
    waiting.join(10)
    assert not waiting.is_alive()
    os.close(ours)


def test_it_sees_that_its_parent_is_another_process() -> None:
    ours, theirs = os.pipe()
    wait_for_end(ours, parent=-1)
    os.close(ours)
    os.close(theirs)


def test_while_it_waits_it_has_loaded_next_to_nothing() -> None:
    code = "import sys, flash_jupyter.session.collector; print([m for m in ('httpx', 'pydantic', 'asyncio') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


def test_a_session_of_this_process_may_live() -> None:
    one, other = new_session_id(), new_session_id()
    assert one != other
    assert may_live(one)


def test_a_session_whose_process_is_gone_does_not() -> None:
    host, _pid, created, chance = new_session_id().split(":")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert not may_live(f"{host}:{process.pid}:{created}:{chance}")
    assert not may_live(f"{host}:{os.getpid()}:1.0:{chance}")
    assert not may_live("")


def test_one_of_another_machine_is_taken_to_be_alive() -> None:
    assert may_live("elsewhere:1:1.0:abc")
