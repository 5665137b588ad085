"""Apps that belong to a process end with it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import psutil
from asking import CPU, ask, save
from emulated import Api


def preview(api: Api, pid: int, created: float) -> tuple[str, str]:
    """Make the app of a process, with an endpoint; returns the app's name and the endpoint's id."""
    name = f"preview:{pid}:{created:.2f}:shop"
    app = ask(api, "createFlashApp", input={"name": name})["id"]
    environment = ask(api, "createFlashEnvironment", input={"flashAppId": app, "name": "preview"})["id"]
    return name, str(save(api, **{**CPU, "name": f"ocr-{pid}"}, flashEnvironmentId=environment)["id"])


def seen(api: Api) -> tuple[set[str], set[str]]:
    api.clock.now += 2
    api.tick()
    endpoints: list[dict[str, Any]] = api.get("/v2/serverless").json()["endpoints"]
    return {app["name"] for app in ask(api, "getFlashApps")["flashApps"]}, {endpoint["id"] for endpoint in endpoints}


def test_a_preview_ends_with_its_process(api: Api) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        mine = preview(api, os.getpid(), psutil.Process().create_time())
        other = preview(api, process.pid, psutil.Process(process.pid).create_time())
        assert seen(api) == ({mine[0], other[0]}, {mine[1], other[1]})
        process.kill()
    assert seen(api) == ({mine[0]}, {mine[1]})


def test_a_process_that_got_the_same_pid_is_another_one(api: Api) -> None:
    preview(api, os.getpid(), psutil.Process().create_time() - 60)
    assert seen(api) == (set(), set())


def test_what_is_no_preview_stays(api: Api) -> None:
    app = ask(api, "createFlashApp", input={"name": "preview"})["id"]
    environment = ask(api, "createFlashEnvironment", input={"flashAppId": app, "name": "production"})["id"]
    endpoint = save(api, **{**CPU, "name": "ocr"}, flashEnvironmentId=environment)["id"]
    assert seen(api) == ({"preview"}, {endpoint})
