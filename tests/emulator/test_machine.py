from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
from machine import DOCUMENT, config, order

from flash_jupyter.emulator.config import MACHINE_MEMORY_SHARE
from flash_jupyter.emulator.machine import (
    Ports,
    home_folder,
    memory_limit_bytes,
    tidy,
    work_folder,
    worker_command,
    worker_environment,
)


def test_what_nobody_uses_any_more_is_removed(tmp_path: Path) -> None:
    folders = [work_folder(tmp_path, name) for name in "ab"] + [home_folder(tmp_path, name) for name in "cd"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    tidy(tmp_path, workers={"a"}, endpoints={"c"})
    assert [folder.exists() for folder in folders] == [True, False, True, False]
    deadline = time.monotonic() + 5
    while list(tmp_path.glob("trash-*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_empty_store_has_nothing_to_remove(tmp_path: Path) -> None:
    tidy(tmp_path, workers=(), endpoints=())
    assert list(tmp_path.iterdir()) == []


def test_the_command_is_our_loop_under_the_kernels_interpreter() -> None:
    python = {"FLASH_JUPYTER_PYTHON": "/kernel/python"}
    assert worker_command({**DOCUMENT, "env": python}, "/own") == ["/kernel/python", "-m", "flash_jupyter.worker.loop"]
    assert worker_command(DOCUMENT, "/own") == ["/own", "-m", "flash_jupyter.worker.loop"]
    balancer = {**DOCUMENT, "type": "LOAD_BALANCER"}
    assert worker_command(balancer, "/own") == ["/own", "-m", "flash_jupyter.worker.balancer"]


def environment(folder: Path, environ: dict[str, str], **document: Any) -> dict[str, str]:
    made = config(folder, **environ)
    return worker_environment(order(folder, **document), made, home=folder / "h", python="/venv/bin/python")


def test_what_a_worker_does_not_inherit(tmp_path: Path) -> None:
    given = {
        "RUNPOD_API_KEY": "the user's own",
        "FLASH_JUPYTER_HOME": "/x",
        "MPLBACKEND": "inline",
        "JPY_PARENT_PID": "1",
        "LANG": "C",
    }
    found = environment(tmp_path, given)
    assert not [name for name in given if name in found and name != "LANG"]
    assert "the user's own" not in found.values()
    assert (found["LANG"], found["HOME"]) == ("C", str(tmp_path / "h"))
    assert found["PATH"] == "/venv/bin:/bin"


def test_the_protocols_variables_can_not_be_changed_by_the_endpoint(tmp_path: Path) -> None:
    env = {"RUNPOD_AI_API_KEY": "x", "RUNPOD_LOG_LEVEL": "ERROR", "FLASH_JUPYTER_PYTHON": "/p", "A": "1"}
    found = environment(tmp_path, {}, env=env)
    assert found["RUNPOD_AI_API_KEY"] == "key"
    assert (found["RUNPOD_LOG_LEVEL"], found["A"]) == ("ERROR", "1")
    assert "FLASH_JUPYTER_PYTHON" not in found
    assert found["RUNPOD_WEBHOOK_GET_JOB"] == "http://127.0.0.1:5/v2/ep1/job-take/$ID?gpu=CPU"
    assert found["RUNPOD_WEBHOOK_POST_OUTPUT"] == "http://127.0.0.1:5/v2/ep1/job-done/$RUNPOD_POD_ID/$ID?gpu=CPU"


def test_a_load_balancers_worker_has_ports_and_neither_queue_nor_key(tmp_path: Path) -> None:
    env = {"PORT": "80", "HEALTH_CHECK_PATH": "/ready"}
    made = replace(order(tmp_path, type="LOAD_BALANCER", env=env), ports=Ports(5001, 5002))
    found = worker_environment(made, config(tmp_path), home=tmp_path, python="/venv/bin/python")
    assert (found["PORT"], found["PORT_HEALTH"], found["HEALTH_CHECK_PATH"]) == ("5001", "5002", "/ready")
    assert (found["RUNPOD_ENDPOINT_ID"], found["RUNPOD_POD_ID"]) == ("ep1", "w1")
    assert "key" not in found.values()
    assert not [name for name in found if name.startswith("RUNPOD_WEBHOOK")]


def test_the_installers_caches_and_indexes_stay_the_users(tmp_path: Path) -> None:
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    (tmp_path / ".config" / "uv" / "uv.toml").write_text("")
    found = environment(tmp_path, {"HOME": str(tmp_path)})
    assert found["UV_CACHE_DIR"] == str(tmp_path / ".cache" / "uv")
    assert found["UV_CONFIG_FILE"] == str(tmp_path / ".config" / "uv" / "uv.toml")
    assert "PIP_CONFIG_FILE" not in found
    assert environment(tmp_path, {"UV_CACHE_DIR": "/mine"})["UV_CACHE_DIR"] == "/mine"


def test_a_volume_is_a_folder_of_the_store(tmp_path: Path) -> None:
    assert "RUNPOD_VOLUME_PATH" not in environment(tmp_path, {})
    found = environment(tmp_path, {}, networkVolumes=["agv6w2qcg7"])
    assert found["RUNPOD_VOLUME_PATH"] == str(tmp_path / "volumes" / "agv6w2qcg7")


def test_the_memory_limit_is_the_least_of_hardware_and_machine(tmp_path: Path) -> None:
    machine = psutil.virtual_memory().total
    made = config(tmp_path)
    most = int(machine * MACHINE_MEMORY_SHARE)
    gpu: dict[str, Any] = {"gpu": {}}
    assert memory_limit_bytes(gpu, made) == most
    assert memory_limit_bytes({"cpu": [{"memory": 1}]}, made) == min(1 << 30, most)
    assert memory_limit_bytes({"cpu": [{"memory": 10**6}]}, made) == most
    assert memory_limit_bytes(gpu, replace(made, worker_memory_bytes=5)) == 5
