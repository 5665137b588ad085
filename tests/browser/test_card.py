"""The card of a job in each of its phases, in both themes: what it says, and whether it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Lab, LabCell
from lab_server import JupyterServer
from looks import assert_readable

pytestmark = pytest.mark.browser

#: what waits in the notebook, or on the worker, goes on when the test makes the file
WAIT = """
import os, time

def wait():
    deadline = time.monotonic() + 120
    while not os.path.exists(flag) and time.monotonic() < deadline:
        time.sleep(0.02)
"""
#: a package that takes as long to build as the test wants
BUILD = """
import os, time, zipfile

def build_wheel(folder, config=None, metadata=None):
    deadline = time.monotonic() + 120
    while not os.path.exists({flag!r}) and time.monotonic() < deadline:
        time.sleep(0.02)
    name = "slowpoke-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.writestr("slowpoke.py", "")
        wheel.writestr("slowpoke-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: slowpoke\\nVersion: 1.0\\n")
        wheel.writestr("slowpoke-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        wheel.writestr("slowpoke-1.0.dist-info/RECORD", "")
    return name
"""
#: phase -> the cell that stays in it, and what is run before
PHASES = {
    "preflight": (
        "%%remote\nslow.a = 1",
        "class Slow:\n    def __getstate__(self):\n        wait()\n        return {'a': 1}\nslow = Slow()",
    ),
    "provisioning": ("%%remote name=trainer\n1", ""),
    "queue": ("%%remote gpu=AMPERE_80 name=forecast\n1", ""),
    "starting": ("%%remote gpu=ADA_24 name=embeddings\n1", ""),
    "dependencies": ("%%remote deps=slowpoke@file://{package}\n1", ""),
    "running": ("%%remote\nwait()", ""),
    "returning": (
        "%%remote\nslow = Slow()\nslow.a = 1",
        "class Slow:\n    def __setstate__(self, state):\n        if os.getpid() == here: wait()\nhere = os.getpid()",
    ),
}
#: what keeps it there, where that is neither the notebook nor the worker
FAULTS = {
    "provisioning": ("latency", "--route", "create", "--seconds", "15"),
    "queue": ("throttled", "--endpoint", "forecast"),
    "waiting": ("throttled", "--endpoint", "backtest"),
    "starting": ("slow-pull", "--endpoint", "embeddings", "--seconds", "120"),
}
#: these go on when the user gives up
ENDLESS = ("queue", "starting")
#: what the card says besides its phase; before there is a job, nothing can be cancelled by a button
SAYS = {
    "preflight": "to cancel, interrupt the kernel",
    "provisioning": "making endpoint trainer",
    "queue": "on the local Runpod · forecast · ",
    "starting": "1 worker starting",
    "dependencies": "slowpoke",
    "running": "Cancel",
    "returning": "job fj-",
}
#: a picture is worth taking from here on: the Cancel button is there, and there is a time to be read
SHOWN_S = 3


@pytest.fixture
def fault(server: JupyterServer, phase: str) -> Iterator[None]:
    """The bad day that a phase needs; it ends with the test."""
    if phase not in FAULTS:
        yield
        return
    server.flash("local", "start")
    server.flash("local", "faults", "set", *FAULTS[phase])
    try:
        yield
    finally:
        server.flash("local", "faults", "clear")


@pytest.mark.parametrize(
    "phase", [phase if phase == "running" else pytest.param(phase, marks=pytest.mark.slow) for phase in PHASES]
)
@pytest.mark.usefixtures("fault")
def test_the_card_can_be_read_in_each_phase(lab: Lab, phase: str, tmp_path: Path, pictures: Path) -> None:
    flag, (source, before) = tmp_path / "flag", PHASES[phase]
    lab.ok(f"flag = {str(flag)!r}\n{WAIT}\n{before}")
    cell = lab.run(source.format(package=make_package(tmp_path, flag)))
    for theme in ("light", "dark"):
        lab.theme(theme)
        cell.until(lambda: now(cell)[0] == phase and now(cell)[1] >= SHOWN_S, f"not {phase}")
        cell.wait_for(SAYS[phase])
        cell.screenshot(pictures / f"card-{phase}-{theme}.png")
        assert_readable(cell.card)
    flag.touch()
    if phase in ENDLESS:
        lab.interrupt()
    cell.wait()
    assert now(cell) == ("", 0)
    assert ("after" if phase in ENDLESS else "ran on the local Runpod") in cell.outputs[0]
    assert_readable(cell.card)


def now(cell: LabCell) -> tuple[str, int]:
    """The phase that the card shows as the present one, and its seconds."""
    shown = cell.card.locator("strong").all_inner_texts()
    name, seconds = str(shown[0]).split()[:2] if shown else ("", "0")
    return name, int(seconds)


def make_package(folder: Path, flag: Path) -> Path:
    """Write a package whose build waits for the file."""
    package = folder / "slowpoke"
    package.mkdir()
    (package / "backend.py").write_text(BUILD.format(flag=str(flag)))
    (package / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "slowpoke"\nversion = "1.0"\n'
    )
    return package


@pytest.mark.slow
def test_a_card_that_is_over_unfolds(lab: Lab, pictures: Path) -> None:
    cell = lab.ok("%%remote\nimport time\ntime.sleep(3)")
    cell.card.locator("summary").click()
    for theme in ("light", "dark"):
        lab.theme(theme)
        assert "running" in cell.card.locator("td").all_inner_texts()
        cell.screenshot(pictures / f"card-over-{theme}.png")
        assert_readable(cell.card)


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["waiting"])
@pytest.mark.usefixtures("fault")
def test_a_cell_that_waits_says_why(lab: Lab, pictures: Path) -> None:
    cell = lab.run("%%remote gpu=AMPERE_80 name=backtest\n1")
    cell.wait_for("Runpod has no free machine with ")
    for theme in ("light", "dark"):
        lab.theme(theme)
        cell.screenshot(pictures / f"card-waiting-{theme}.png")
        assert "gpu=ADA_80_PRO ($4.18/h in " in cell.card.inner_text()
        assert_readable(cell.card)
    lab.interrupt()
    cell.wait()
