"""A bundle on the embedded Runpod before anything is deployed: what it says, what it runs, and that nothing is left."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from bundles import hand_made
from emulated import wait_for

from flash_jupyter.build.asking import SHOW_IT
from flash_jupyter.build.preview import Preview, describe
from flash_jupyter.errors import BuildError
from flash_jupyter.session.local import ensure_local, local_info
from flash_jupyter.settings import Settings

pytestmark = pytest.mark.journey

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
#: a process that starts a preview and says so; it ends only from outside
HOLDER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {support!r})
from bundles import hand_made
from flash_jupyter.build.preview import Preview
from flash_jupyter.settings import read_settings
folder = Path({folder!r})
with Preview(*hand_made(folder, {python!r}), read_settings(project=folder)) as preview:
    preview.start()
    print("ready", flush=True)
    time.sleep(600)
"""


def endpoints(settings: Settings) -> list[str]:
    return [str(each["name"]) for each in ask(settings, "/v2/serverless")["endpoints"]]


def ask(settings: Settings, path: str) -> Any:
    info = local_info(settings)
    assert info is not None
    headers = {"Authorization": f"Bearer {info.api_key}"}
    return httpx.get(info.url + path, headers=headers, timeout=60, trust_env=False).json()


def apps(settings: Settings) -> list[str]:
    info = local_info(settings)
    assert info is not None
    query = {"query": "query { myself { flashApps { name } } }"}
    headers = {"Authorization": f"Bearer {info.api_key}"}
    found = httpx.post(f"{info.url}/graphql", json=query, headers=headers, timeout=60, trust_env=False).json()
    return [str(app["name"]) for app in found["data"]["myself"]["flashApps"]]


@pytest.mark.skipif(shutil.which("curl") is None, reason="its lines are for curl")
def test_the_lines_that_a_preview_says_work_as_they_stand_and_nothing_is_left(desk: Any, tmp_path: Path) -> None:
    archive, manifest = hand_made(tmp_path, PYTHON)
    with Preview(archive, manifest, desk.settings) as preview:
        served = preview.start()
        lines = [line.strip() for line in describe(served, PYTHON).splitlines()]
        info = local_info(desk.settings)
        assert info is not None
        said = [
            subprocess.run(
                ["sh", "-c", line.replace("/prices/...", "/prices/cake")],
                env={"RUNPOD_API_KEY": info.api_key, "PATH": "/usr/local/bin:/usr/bin:/bin", "no_proxy": "*"},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for line in lines
            if line.startswith("curl")
        ]
        outputs = [answer.partition(',"id"')[0] for answer in said]
        assert outputs == ['{"output": 2.5', '{"output": 1', '{"total":4.0}']
        assert sorted(name.rpartition("-preview-")[0] for name in endpoints(desk.settings)) == ["shop", "till"]
        removed = preview.close()
    assert sorted(name.rpartition("-preview-")[0] for name in removed) == ["shop", "till"]
    assert (endpoints(desk.settings), apps(desk.settings)) == ([], [])


def test_an_import_that_fails_in_the_worker_is_told_in_its_own_last_lines(desk: Any, tmp_path: Path) -> None:
    preview = Preview(*hand_made(tmp_path, PYTHON, broken=True), desk.settings)
    with preview, pytest.raises(BuildError) as raised:
        preview.start()
    said = str(raised.value).splitlines()
    assert said[0] == "the workers of till do not start: one ended before it was ready: exit code 1"
    assert said[-2:] == [
        "  ModuleNotFoundError: No module named 'nothing_like_it'",
        "  → add the package of nothing_like_it to requirements.txt or deps=, then build again",
    ]
    assert (endpoints(desk.settings), apps(desk.settings)) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_a_preview_ends_with_its_process(number: int, desk: Any, tmp_path: Path) -> None:
    ensure_local(desk.settings)
    support = str(Path(__file__).parents[1] / "support")
    program = HOLDER.format(support=support, folder=str(tmp_path), python=PYTHON)
    with desk.start_python("-c", program) as process:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        assert len(endpoints(desk.settings)) == 2
        process.send_signal(number)
        process.communicate(timeout=60)
    wait_for(lambda: (endpoints(desk.settings), apps(desk.settings)) == ([], []), within_s=60)
    wait_for(lambda: not desk.workers(), within_s=60)


WRONG = """# %% tags=["flash:setup"]
import os

# %%
x = 2

# %% tags=["flash:handler:here"]
{"twice": 2 * x, "folder": os.getcwd()}

# %%
z = str(x)

# %% tags=["flash:handler:needs"]
z.upper()

# %% tags=["flash:handler:looks_up"]
#| flash: include=data/*.json
[x, open("data/rates.json").read()]

# %% tags=["flash:test"]
assert here(x=4)["twice"] == 9
"""


def test_the_command_compares_and_says_what_differs_and_what_is_not_verified(desk: Any) -> None:
    (desk.folder / "sums.py").write_text(WRONG)
    (desk.folder / "data").mkdir()
    (desk.folder / "data" / "rates.json").write_text("[7]")
    done = desk.python("-c", "from flash_jupyter.cli import main; main()", "build", "sums.py", "--preview")
    said = [line for line in done.stdout.splitlines() if line.startswith(("here: ", "looks_up: ", "needs: "))]
    assert said[0] == 'here: differs, cell 7 of sums.py, AssertionError, in `assert here(x=4)["twice"] == 9`', done
    assert said[1].startswith("here: differs, its defaults, the notebook gives {'twice': 4, 'folder': ")
    assert said[2:] == [
        f"needs: not verified, z has no literal default; {SHOW_IT}",
        "looks_up: verified, its defaults, [2, '[7]']",
    ]
    assert done.returncode == 1
    assert endpoints(desk.settings) == []
