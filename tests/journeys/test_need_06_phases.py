"""Interrupt means stop, wherever the job is: nothing is left that costs, the text says what happened, the kernel goes on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from flash_jupyter.session.local import local_info
from flash_jupyter.session.local_admin import LocalAdmin

pytestmark = pytest.mark.journey

#: what is waited for ends after two minutes at the latest
WAIT = "import os, time\ndef wait():\n    print('here', flush=True)\n    time.sleep(120)\n"
#: a package whose build does not end
BACKEND = "import time\ndef build_wheel(*_):\n    time.sleep(120)\n"
PROJECT = """[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "slowpoke"
version = "1.0"
"""

STOPPED = r"cancelled, (worker stopped|worker free again|no worker is busy) \(ran \d+ s\)"
#: phase -> what is run before, the cell, what its text is
PHASES = {
    "preflight": (
        "class Slow:\n    def __getstate__(self):\n        wait()\nslow = Slow()",
        "%%remote\nslow.a = 1",
        "nothing was sent",
    ),
    "provisioning": (
        "",
        "%%remote name=late\n1",
        r"cancelled before it was sent; .+ had begun, what was made stays listed: %flash endpoints",
    ),
    "queue": ("", "%%remote name=full--fault-throttled\n1", "cancelled in the queue, nothing ran"),
    "starting": ("", "%%remote name=slow--fault-slow-pull-120s\n1", "cancelled in the queue, nothing ran"),
    "dependencies": (
        "",
        "%%remote deps=slowpoke@file://{package}\n1",
        STOPPED,
    ),
    "running": ("", "%%remote\nwait()", STOPPED),
    "returning": (
        "here = os.getpid()\nclass Slow:\n    def __setstate__(self, state):\n        if os.getpid() == here: wait()",
        "%%remote\nslow = Slow()\nslow.a = 1",
        r"the job was done, its result is not all here; take it with %flash attach fj-\w+",
    ),
}


@pytest.fixture(scope="module")
def kernel(own_desk: Any) -> Any:
    """One kernel and one embedded Runpod for all phases; nobody else has workers there."""
    opened = own_desk.open()
    opened.ok("%%remote\n1")
    return opened


@pytest.mark.parametrize("phase", PHASES)
def test_need_06_an_interrupt_in_each_phase(kernel: Any, own_desk: Any, phase: str, tmp_path: Path) -> None:
    before, source, text = PHASES[phase]
    kernel.ok(f"%reset -f\n{WAIT}{before}")
    if phase == "provisioning":
        LocalAdmin(own_desk.settings).set_fault("latency", route="create", seconds=30)
    message = kernel.start(source.format(package=make_package(tmp_path)))
    kernel.wait(message, until=lambda cell: is_there(cell, phase), timeout_s=45)
    kernel.interrupt()
    cell = kernel.wait(message, timeout_s=60)
    assert (cell.ename, bool(re.fullmatch(f"KeyboardInterrupt: {text}", cell.traceback))) == (
        "KeyboardInterrupt",
        True,
    ), cell.traceback
    LocalAdmin(own_desk.settings).clear_faults()
    assert open_jobs(own_desk) == 0
    assert [each for each in own_desk.workers() if "slowpoke" in " ".join(each.cmdline())] == []
    assert kernel.ok("%%remote\n6 * 7").result == "42"


def is_there(cell: Any, phase: str) -> bool:
    """Whether the job is in the phase, as the card or the user's code says."""
    if phase in ("preflight", "running", "returning"):
        return "here" in cell.stdout
    word = "making endpoint" if phase == "provisioning" else ""
    return any(line.startswith(phase) and word in line for line in cell.status_lines)


def make_package(folder: Path) -> Path:
    """Write a package that can't be installed within two minutes."""
    package = folder / "slowpoke"
    package.mkdir()
    (package / "backend.py").write_text(BACKEND)
    (package / "pyproject.toml").write_text(PROJECT)
    return package


def open_jobs(desk: Any) -> int:
    """How many jobs wait or run, as the platform itself says."""
    info = local_info(desk.settings)
    assert info is not None
    with httpx.Client(headers={"Authorization": f"Bearer {info.api_key}"}, trust_env=False) as client:
        endpoints = client.get(f"{info.url}/v2/serverless").json()["endpoints"]
        jobs = [client.get(endpoint["requestUrls"]["health"]).json()["jobs"] for endpoint in endpoints]
    return sum(counts["inQueue"] + counts["inProgress"] for counts in jobs)
