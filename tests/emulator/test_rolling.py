"""A new build in an environment, over real workers: what runs ends where it is, what comes next gets the new code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from artifacts import CPU, archive, asking, deploy, put_build, upload
from emulated import RealServer, final, wait_for

pytestmark = pytest.mark.journey

#: says which build it is of, and with a `gate` waits until that file is there; a lazy import meets its own build
HANDLER = """
import json, os, time
import urllib.request


def call(url, body=None):
    request = urllib.request.Request(url, body, {"Authorization": os.environ["RUNPOD_AI_API_KEY"]})
    return urllib.request.urlopen(request, timeout=90).read()


worker = os.environ["RUNPOD_POD_ID"]
take = os.environ["RUNPOD_WEBHOOK_GET_JOB"].replace("$ID", worker)
done = os.environ["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$RUNPOD_POD_ID", worker)
while True:
    body = call(take + "&job_in_progress=0")
    if body:
        job = json.loads(body)
        gate = job["input"].get("gate")
        while gate and not os.path.exists(gate):
            time.sleep(0.02)
        import version
        said = {"build": version.BUILD, "mark": os.environ["_FLASH_SOURCE_FINGERPRINT"]}
        call(done.replace("$ID", job["id"]) + "&isStream=false", json.dumps({"output": said}).encode())
"""
IMAGE = {"FLASH_JUPYTER_PYTHON": sys.executable}


def bundle(folder: Path, build: str) -> Path:
    return archive(folder / f"{build}.tar.gz", {"handler_one.py": HANDLER, "version.py": f"BUILD = {build!r}\n"})


def submit(server: RealServer, endpoint: str, **order: Any) -> str:
    answer = server.client.post(f"/v2/{endpoint}/run", json={"input": order})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def ended(server: RealServer, endpoint: str, job: str) -> Any:
    return wait_for(lambda: final(server.status(endpoint, job)), within_s=60)["output"]


def roll(server: RealServer, endpoint: str, mark: str) -> None:
    """Change the fingerprint in the endpoint's template, as the released client does (flash-wire.md 1.3)."""
    env = {"FLASH_RESOURCE_NAME": "one", **IMAGE, "_FLASH_SOURCE_FINGERPRINT": mark}
    template = {**CPU["template"], "env": [{"key": key, "value": value} for key, value in env.items()]}
    asking(server.client)(
        "saveEndpoint",
        input={**CPU, "id": endpoint, "name": "one", "type": "QB", "workersMax": 2, "template": template},
    )


def releases(server: RealServer, endpoint: str) -> tuple[list[int], bool]:
    found = server.client.get(f"/v2/serverless/{endpoint}/releases").json()
    return [release["version"] for release in found["releases"]], found["rollout"]["inProgress"]


def test_a_running_job_ends_on_the_old_build_and_the_next_one_gets_the_new(server: RealServer, tmp_path: Path) -> None:
    environment = upload(server.client, "shop", bundle(tmp_path, "A"))
    endpoint = deploy(server.client, environment, "one", env={**IMAGE, "_FLASH_SOURCE_FINGERPRINT": "a"})
    gate = tmp_path / "gate"
    long = submit(server, endpoint, gate=str(gate))
    wait_for(lambda: server.status(endpoint, long)["status"] == "IN_PROGRESS", within_s=60)
    put_build(server.client, "shop", environment, bundle(tmp_path, "B"))
    roll(server, endpoint, "b")
    assert ended(server, endpoint, submit(server, endpoint)) == {"build": "B", "mark": "b"}
    assert releases(server, endpoint) == ([2, 1], True)
    gate.touch()
    assert ended(server, endpoint, long) == {"build": "A", "mark": "a"}
    wait_for(lambda: releases(server, endpoint) == ([2, 1], False), within_s=60)


def test_an_idle_worker_is_replaced_and_a_build_alone_replaces_nobody(server: RealServer, tmp_path: Path) -> None:
    """The released client changes the fingerprint because the platform does not look at builds (flash-wire.md 7.4)."""
    environment = upload(server.client, "shop", bundle(tmp_path, "A"))
    endpoint = deploy(server.client, environment, "one", env={**IMAGE, "_FLASH_SOURCE_FINGERPRINT": "a"})
    assert ended(server, endpoint, submit(server, endpoint))["build"] == "A"
    put_build(server.client, "shop", environment, bundle(tmp_path, "B"))
    assert ended(server, endpoint, submit(server, endpoint))["build"] == "A"
    roll(server, endpoint, "b")
    assert ended(server, endpoint, submit(server, endpoint))["build"] == "B"
