"""`flash doctor` from outside; `--cloud` against an embedded Runpod that is addressed as if it were the cloud."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from emulated import RealServer


def flash(home: Path, *arguments: str, answer: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `flash` as the entry point does."""
    program = "from flash_jupyter.cli import main; main()"
    plain = {"FLASH_JUPYTER_HOME": str(home / "data"), "HOME": str(home), "PATH": "", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**plain, **environ},
        cwd=home,
        input=answer,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_one_line_a_subject(tmp_path: Path) -> None:
    done = flash(tmp_path, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [
        "ok    backend: local: the embedded Runpod of this machine (there is no key)",
        "ok    key: none, and none is needed",
    ]


def test_no_command_but_those_that_need_one_loads_a_session() -> None:
    code = "import sys, flash_jupyter.cli.main; print('flash_jupyter.session.session' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_failure_is_exit_code_one(tmp_path: Path) -> None:
    done = flash(tmp_path, "doctor", "--json", FLASH_JUPYTER_BACKEND="runpod")
    assert done.returncode == 1
    assert json.loads(done.stdout)["checks"][1] == {
        "subject": "key",
        "level": "fail",
        "text": "none",
        "fix": "set RUNPOD_API_KEY, in the environment or in .env",
    }


def test_the_cloud_without_a_key(tmp_path: Path) -> None:
    done = flash(tmp_path, "doctor", "--cloud", "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no Runpod API key")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    server = RealServer(tmp_path_factory.mktemp("cloud"))
    yield server
    server.stop()


def addressed(server: RealServer) -> dict[str, str]:
    url = server.info["url"]
    return {
        "RUNPOD_API_KEY": server.info["api_key"],
        "RUNPOD_API_BASE_URL": url,
        "RUNPOD_ENDPOINT_BASE_URL": f"{url}/v2",
    }


@pytest.mark.journey
def test_the_cloud_is_tried_and_left_as_it_was(tmp_path: Path, cloud: RealServer) -> None:
    done = flash(tmp_path, "doctor", "--cloud", "--yes", "--json", **addressed(cloud))
    assert done.returncode == 0, done.stderr + done.stdout
    checks = {check["subject"]: check for check in json.loads(done.stdout)["checks"]}
    assert checks["key accepted"]["text"] == f"by {cloud.info['url']}; the account has 0 endpoints"
    assert checks["cell"]["text"].startswith("1 + 1 = 2 on endpoint flash-doctor-")
    assert checks["deleted"]["text"].endswith(" is no longer listed")
    assert cloud.client.get("/v2/serverless").json() == {"endpoints": []}
    assert "one CPU endpoint (cpu3c-2-4, at most one worker) is made" in done.stderr
    assert "making endpoint flash-doctor-" in done.stderr
    assert cloud.info["api_key"] not in done.stdout + done.stderr


@pytest.mark.journey
def test_nothing_is_made_without_a_yes(tmp_path: Path, cloud: RealServer) -> None:
    done = flash(tmp_path, "doctor", "--cloud", answer="n\n", **addressed(cloud))
    assert done.returncode == 1
    assert "go on? [y/N]" in done.stderr
    assert cloud.client.get("/v2/serverless").json() == {"endpoints": []}


@pytest.mark.journey
def test_a_key_that_the_cloud_refuses(tmp_path: Path, cloud: RealServer) -> None:
    done = flash(tmp_path, "doctor", "--cloud", "--yes", **{**addressed(cloud), "RUNPOD_API_KEY": "rpa_wrong"})
    assert done.returncode == 1
    assert "fail  key accepted: 401: the key from environment variable RUNPOD_API_KEY was refused" in done.stdout
    assert "rpa_wrong" not in done.stdout + done.stderr
