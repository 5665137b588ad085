"""Need 4: nothing that costs money outlives the notebook unseen. Time passes by the embedded Runpod's own clock."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from emulated import CPU_ENDPOINT

from flash_jupyter.session.local import local_info, start_local
from flash_jupyter.session.local_admin import LocalAdmin

pytestmark = pytest.mark.journey

HOUR_S = 3_600


def kill(notebook: Any) -> None:
    """End a kernel as the kernel's machine going away would."""
    os.kill(notebook.manager.provisioner.pid, signal.SIGKILL)


def loaded(desk: Any) -> str:
    """Open a kernel, load the extension, and return what it says under that cell, later."""
    notebook = desk.open(load=False)
    cell = notebook.start("%load_ext flash_jupyter")
    assert notebook.wait(cell).status_lines == []
    assert notebook.ok("1").status_lines == []
    return str(notebook.wait(cell, until=lambda seen: bool(seen.status_lines)).status)


def elsewhere(desk: Any, folder: Path, *arguments: str) -> dict[str, Any]:
    """Run `flash` on another machine of the same user: nothing is shared but the account."""
    info = local_info(desk.settings)
    assert info is not None
    environ = {
        **info.env(),
        "FLASH_JUPYTER_HOME": str(folder / "another-home"),
        "FLASH_JUPYTER_OWNER": "tester",
        "PATH": os.environ["PATH"],
    }
    program = "from flash_jupyter.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def endpoints(desk: Any) -> dict[str, dict[str, Any]]:
    """What the server lists, by name; asked without any code of ours."""
    info = local_info(desk.settings)
    assert info is not None
    headers = {"Authorization": f"Bearer {info.api_key}"}
    answer = httpx.get(f"{info.url}/v2/serverless", headers=headers, trust_env=False)
    return {endpoint["name"]: endpoint for endpoint in answer.json()["endpoints"]}


def test_need_04_what_a_killed_kernel_left_is_offered_on_the_next_load_and_removed(desk: Any, tmp_path: Path) -> None:
    first = desk.open()
    first.ok("%%remote name=trainer ttl=1h\n1")
    first.ok("%%remote name=other ttl=1h\n1")
    kill(first)
    LocalAdmin(desk.settings).advance_clock(2 * HOUR_S)
    assert loaded(desk) == (
        "trainer, other have expired and have no job: remove them with %flash sweep --yes (in a terminal: flash sweep)"
    )
    assert set(endpoints(desk)) == {"trainer", "other"}, "offered, not forced"
    seen = elsewhere(desk, tmp_path, "sweep", "--json")
    assert [(o["name"], o["owner"]) for o in seen["orphans"]] == [("trainer", "tester"), ("other", "tester")]
    assert (seen["deleted"], set(endpoints(desk))) == ([], {"trainer", "other"})
    assert elsewhere(desk, tmp_path, "sweep", "--yes", "--json")["deleted"] == ["trainer", "other"]
    assert endpoints(desk) == {}
    assert desk.kernels[-1].ok("%flash sweep").status == "there are no orphans"


def test_need_04_a_sweep_leaves_what_is_not_ours_and_what_works(desk: Any) -> None:
    notebook = desk.open()
    notebook.ok("%%remote name=busy ttl=1h timeout=7200 detach\nimport time\ntime.sleep(60)")
    notebook.ok("%%remote name=idle ttl=1h\n1")
    notebook.ok("%%remote name=fresh\n1")
    info = local_info(desk.settings)
    assert info is not None
    by_hand = {**CPU_ENDPOINT, "name": "by-hand"}
    headers = {"Authorization": f"Bearer {info.api_key}"}
    httpx.post(f"{info.url}/v2/serverless", headers=headers, json=by_hand, trust_env=False).raise_for_status()
    LocalAdmin(desk.settings).advance_clock(1.01 * HOUR_S)
    idle = endpoints(desk)["idle"]
    assert notebook.ok("%flash sweep").status.splitlines() == [
        f"idle ({idle['id']}): any GPU, expired {idle['env']['FLASH_JUPYTER_EXPIRES']}",
        "nothing was deleted; to delete it: %flash sweep --yes",
    ]
    assert set(endpoints(desk)) == {"busy", "idle", "fresh", "by-hand"}
    refused = notebook.run("%flash sweep now")
    assert (refused.ename, "%flash sweep: got unexpected extra argument" in refused.stderr) == ("UsageError", True)
    assert notebook.ok("%flash sweep --yes").status == "deleted: idle"
    assert set(endpoints(desk)) == {"busy", "fresh", "by-hand"}
    notebook.ok("%flash undeploy --all --yes")
    assert set(endpoints(desk)) == {"by-hand"}


# --- what it costs, before, while, after -----------------------------------------------------------------------------


def paid(desk: Any, **variables: str) -> Any:
    """Open a kernel that believes itself on the real Runpod: its URLs and its key are the embedded one's."""
    info = start_local(desk.settings)
    return desk.open(env={**info.env(), "FLASH_JUPYTER_BACKEND": "runpod", **variables})


def test_need_04_the_first_use_of_a_paid_runpod_says_so_and_limits_refuse_before_anything_is_made(desk: Any) -> None:
    notebook = paid(desk, FLASH_JUPYTER_MAX_COST_PER_HOUR="2")
    refused = notebook.run("%%remote name=dear gpu=AMPERE_80\n1")
    assert (refused.ename, refused.error) == (
        "CostLimitError",
        (
            "dear may cost $8.21 an hour (up to 3 workers at $2.74); max_cost_per_hour is $2.00; nothing was sent\n"
            "  → choose gpu=AMPERE_16, or raise max_cost_per_hour"
        ),
    )
    assert endpoints(desk) == {}
    said = "Runpod charges from here on (key: environment variable RUNPOD_API_KEY): a worker of cheap"
    first = notebook.ok("%%remote name=cheap gpu=AMPERE_16\n1")
    assert f"{said} costs at most $0.58 an hour, up to 3 workers" in first.status_lines
    assert not any(said in line for line in notebook.ok("%%remote name=cheap\n2").status_lines)
    function = (
        "from flash_jupyter import remote, LiveServerless\n@remote(LiveServerless(name='dear'))\ndef f(): return 1"
    )
    assert notebook.run(f"{function}\nf.remote()").ename == "CostLimitError"
    notebook.ok("%flash config max_cost_per_hour=100 max_cost=0.05")
    refused = notebook.run("%%remote name=cheap\n3")
    assert refused.ename == "CostLimitError"
    assert refused.error.endswith("or raise max_cost"), refused.error
    assert notebook.ok("%%remote name=cheap timeout=5\n4").result == "4"
    assert set(endpoints(desk)) == {"cheap"}


def test_need_04_cost_is_the_meter_of_this_kernel_and_the_bill_of_the_platform(desk: Any, tmp_path: Path) -> None:
    notebook = desk.open()
    notebook.ok("%%remote name=trainer gpu=AMPERE_80\n1")
    LocalAdmin(desk.settings).advance_clock(100)
    shown = notebook.ok("%flash cost").text("display")
    assert re.match(
        r"this kernel: \$0\.\d{4} \(\$0\.\d{4} in cells, \$0\.\d{4} for waiting workers\); now 1 worker", shown
    )
    assert shown.endswith("the local Runpod charges nothing: these are the catalogue's prices")
    bill = elsewhere(desk, tmp_path, "cost", "--json")["bill"]
    assert [row["endpoint"] for row in bill["endpoints"]] == ["trainer"]
    # 60 s until the idle timeout at least, at the price of an A100
    assert 60 * 0.00076 <= bill["days_usd"] < 200 * 0.00076
    assert bill["today_usd"] <= bill["days_usd"]
    notebook.ok("%flash undeploy trainer")
    kept = elsewhere(desk, tmp_path, "cost", "--json")["bill"]
    assert kept["days_usd"] == bill["days_usd"], "what is deleted stays on the bill"
