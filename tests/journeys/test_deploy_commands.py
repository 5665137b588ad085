"""A person deploys from a terminal, and the same from a notebook: made, sent, looked at, changed, taken back, removed."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulated import wait_for
from environment import plain_environment

from flash_jupyter.session.local import local_info, stop_local
from flash_jupyter.settings import Settings, read_settings

pytestmark = pytest.mark.journey

MODULE = """\
from flash_jupyter import CpuLiveServerless, remote


@remote(CpuLiveServerless(name="numbers"))
def double(x: float = 2.0) -> float:
    return 2 * x
"""
OTHER = MODULE.replace("numbers", "words").replace("double", "shout").replace(" = 2.0", "")
FLASH = [sys.executable, "-c", "from flash_jupyter.cli import main; main()"]
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TIMEOUT_S = 300


@dataclass(frozen=True)
class Shell:
    """A terminal in the folder of a project, with an embedded Runpod of its own."""

    folder: Path
    home: Path

    def flash(self, *words: str, code: int = 0, typed: str = "") -> str:
        """Run a command without a terminal, and return what it prints on stdout."""
        done = subprocess.run(
            [*FLASH, *words],
            cwd=self.folder,
            env=plain_environment(self.home),
            input=typed,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def json(self, *words: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.flash(*words, "--json"))
        return document

    def at_terminal(self, *words: str, typed: str) -> str:
        """Run a command at a terminal where somebody types, and return what is seen there."""
        ours, theirs = pty.openpty()
        env = {**plain_environment(self.home), "TERM": "xterm", "COLUMNS": "100"}
        running = subprocess.Popen(
            [*FLASH, *words], cwd=self.folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not piece:
                break
            seen += piece
        os.close(ours)
        running.wait(TIMEOUT_S)
        return ANSI.sub("", seen.decode()).replace("\r\n", "\n")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path / "shop", tmp_path / "home")
    shell.folder.mkdir()
    yield shell
    stop_local(read_settings(plain_environment(shell.home), project=shell.folder))


@pytest.fixture
def project(shell: Shell) -> Shell:
    """A project of two endpoints in a new environment `live`."""
    (shell.folder / "model.py").write_text(MODULE)
    (shell.folder / "other.py").write_text(OTHER)
    return shell


def test_a_project_goes_into_production_and_out_of_it(project: Shell) -> None:
    called = project.folder.parent / "called"
    source = MODULE.replace("    return", f"    open({str(called)!r}, 'a').write(f'{{x}} ')\n    return")
    (project.folder / "model.py").write_text(source)
    project.flash("deploy", "new", "live")
    sent = project.flash("deploy", "send", "live", "--build")
    assert sent.startswith("plan for shop/live: 2 to create\nplan    endpoint\ncreate  numbers\ncreate  words\n")
    assert re.search(r"○  numbers +listed, not verified +\S+ +double: .+ only with --try-defaults", sent)
    assert re.search(r"○  words +listed, not verified +\S+ +shout: x has no literal default", sent)
    assert not called.exists()
    sent = project.flash("deploy", "send", "live", "--try-defaults")
    assert re.search("✓  numbers +verified", sent)  # what its defaults give here, they give there
    assert called.read_text() == "2.0 2.0 "

    (project.folder / "other.py").unlink()
    done = project.at_terminal("deploy", "send", "live", "--build", "--no-smoke", typed="y\n")
    assert "delete words? [y/N]:" in done
    (row,) = project.json("deploy", "list")["environments"]
    assert row["endpoints"] == 1, done

    back = project.json("deploy", "rollback", "live", "--no-smoke", "--yes")["deployment"]
    assert [each["name"] for each in back["endpoints"]] == ["numbers", "words"]
    assert back["build_id"] != row["build_id"]
    asked = project.at_terminal("deploy", "rollback", "live", row["build_id"], "--no-smoke", typed="n\n")
    assert f"back to build {row['build_id']}: delete words? [y/N]:" in asked
    gone = project.flash("deploy", "delete", "live", typed="y\nlive\n")
    assert "deleted: environment live of app shop, with 2 endpoints" in gone


def test_a_new_project_is_verified_as_it_stands_and_a_false_example_stops_a_deploy(shell: Shell) -> None:
    shell.flash("init", ".")
    sent = shell.flash("deploy", "send", "live", "--build")
    lines = [line.split()[:3] for line in sent.partition("   endpoint ")[2].splitlines()[1:]]
    assert lines == [["✓", name, "verified"] for name in ("shop-cpu", "shop-cpu3g-2-8", "shop-gpu")]

    module = shell.folder / "workers" / "cpu" / "endpoint.py"
    module.write_text(module.read_text().replace("['A great day.', 'The", "['A bad day.', 'The"))
    refused = " ".join(shell.flash("deploy", "send", "live", "--build", code=1).split())
    assert (
        "split: differs, its docstring's example, expected ['A bad day.', 'The coffee was awful.'], got ['A great day.',"
        " 'The coffee was awful.'], in `(await split(\"A great day. The coffee was awful.\")).result()`"
    ) in refused
    assert "the version before goes on serving" in refused


@pytest.mark.slow
def test_what_is_sent_twice_refused_or_promoted_is_as_it_should_be(project: Shell) -> None:
    first = project.json("deploy", "send", "live", "--build", "--no-smoke")["deployment"]["build_id"]
    again = project.json("deploy", "send", "live", "--no-smoke")["deployment"]
    assert (again["build_id"], again["changed_since_build"]) == (first, [])
    assert {step["action"] for step in again["plan"]} == {"keep"}

    (project.folder / "other.py").unlink()
    refused = project.at_terminal("deploy", "send", "live", "--build", "--no-smoke", typed="n\n")
    assert "nothing was changed" in " ".join(refused.split())
    assert project.json("deploy", "info", "live")["environment"]["build_id"] == first

    promoted = project.json("deploy", "promote", "test", first, "--no-smoke")["deployment"]
    assert [each["name"] for each in promoted["endpoints"]] == ["numbers", "words"]
    removed = project.json("app", "delete", "shop", "--yes")["removed"]
    assert (removed["environments"], removed["left"]) == (["live", "test"], [])
    assert project.json("undeploy", "list") == {"endpoints": []}


@pytest.mark.parametrize("step", ["create numbers", "waiting for a worker of numbers"])
def test_an_interrupted_deploy_is_taken_back_before_its_cell_ends_and_says_what_stands(desk: Any, step: str) -> None:
    # a worker that takes long to start: the interrupt is never too late
    (desk.folder / "numbers.py").write_text(f"import time\n\ntime.sleep(60)\n{MODULE}")
    notebook = desk.open()
    message = notebook.start("%flash deploy send live numbers.py --build")
    notebook.wait(message, until=lambda cell: step in cell.status)
    notebook.interrupt()
    cell = notebook.wait(message)
    assert (cell.ename, cell.error) == ("KeyboardInterrupt", "interrupted; there is no app numbers")
    assert notebook.ok("%flash app list").status.startswith("no apps")
    assert notebook.ok("%flash endpoints").status == "no endpoints"


#: a notebook whose own cell runs on an endpoint, and which then takes long
REMOTE_CELLS = (
    "%load_ext flash_jupyter",
    "%%remote name=own\nz = 1",
    "import time\nopen({reached!r}, 'w').close()\ntime.sleep({seconds})",
    "#| flash: handler name=double\nx = 1.0\ny = 2 * x\ny",
)


@pytest.mark.parametrize("seconds", [0, 60], ids=["through", "interrupted"])
def test_endpoints_of_the_scratch_copy_s_own_cells_are_removed(desk: Any, seconds: int) -> None:
    cell: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    reached = desk.home.parent / "reached"
    sources = [each.format(seconds=seconds, reached=str(reached)) for each in REMOTE_CELLS]
    cells = [{**cell, "id": f"c{n}", "source": source} for n, source in enumerate(sources)]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (desk.folder / "twice.ipynb").write_text(json.dumps(document))
    notebook = desk.open()
    message = notebook.start("%flash deploy send live twice.ipynb --build")
    wait_for(reached.exists, within_s=120)
    if seconds:
        assert sorted(each.partition("-")[0] for each in endpoints(desk.settings)) == ["own", "twice"]
        notebook.interrupt()
    sent = notebook.wait(message)
    assert sent.error == ("interrupted; there is no app twice" if seconds else "")
    left = endpoints(desk.settings)
    assert (len(left), "own" in left) == (0 if seconds else 1, False)
    assert notebook.ok("%flash jobs").status == "no jobs", "the scratch copy's are not the user's"
    (job,) = notebook.ok("%flash jobs --all --json").bundles[0]["application/json"]["jobs"]
    assert job["name"].partition("-")[0] == "own"


def endpoints(settings: Settings) -> list[str]:
    """Names of what the embedded Runpod lists."""
    info = local_info(settings)
    assert info is not None
    headers = {"Authorization": f"Bearer {info.api_key}"}
    answer = httpx.get(f"{info.url}/v2/serverless", headers=headers, timeout=60, trust_env=False)
    return [each["name"] for each in answer.json()["endpoints"]]


def test_a_notebook_is_sent_from_its_kernel_and_removed(desk: Any) -> None:
    source = "#| flash: handler name=double\nx = 1.0\ny = 2 * x\ny"
    cell: dict[str, Any] = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    document = {"cells": [{**cell, "source": source}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (desk.folder / "twice.ipynb").write_text(json.dumps(document))
    notebook = desk.open()
    assert notebook.run("%flash deploy send live").error == (
        f"there is no build in {desk.folder / '.flash'}\n  → build it: flash build ., or add --build"
    )
    sent = notebook.ok("%flash deploy send live twice.ipynb --build")
    plan, result = sent.displays
    assert plan.startswith("plan for twice/live: 1 to create\n")
    assert result.splitlines()[-1].startswith("✓  twice-")
    assert sent.status.startswith("sending twice (")  # the card, with what took how long
    (line,) = notebook.ok("%flash env list").displays
    assert line.splitlines()[1].split()[:3] == ["live", "HEALTHY", "1"]
    refused = notebook.run("%flash deploy delete live")
    assert (refused.ename, refused.error) == (
        "UsageError",
        "nothing was done: delete environment live of app twice?\n  → write %flash deploy delete live --yes",
    )
    gone = notebook.ok("%flash deploy delete live --yes --json")
    assert gone.bundles[0]["application/json"]["removed"]["environments"] == ["live"]
    assert notebook.ok("%flash undeploy --all --yes").status == "nothing to delete"
