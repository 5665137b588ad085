"""The manifest and the layout of a bundle, read by a worker that knows nothing of us (flash-wire.md 4.9)."""

from __future__ import annotations

import base64
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from environment import plain_environment

from flash_jupyter.build.bundle import build
from flash_jupyter.build.standins import stand_in

pytestmark = pytest.mark.journey

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WORKER = Path(__file__).parents[1] / "support" / "stock_deployed.py"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"

CALLS = [
    ("a handler cell with a local module", "parcels.ipynb", "postage", {}, {"km": 481.8, "cents": 832}),
    (
        "a handler cell that awaits",
        "weather.ipynb",
        "average",
        {"wanted": ["south"]},
        {"degrees": [11.5], "mean": 11.5},
    ),
    ("a remote function of three", "pipeline.ipynb", "words", {"text": "A list of the words"}, ["list", "words"]),
]


@pytest.mark.parametrize(
    ("notebook", "function", "inputs", "expected"), [case[1:] for case in CALLS], ids=[case[0] for case in CALLS]
)
def test_a_stock_worker_finds_and_calls_what_the_manifest_names(
    notebook: str, function: str, inputs: dict[str, Any], expected: Any, shared_desk: Any, tmp_path: Path
) -> None:
    project = tmp_path / "notebooks"
    shutil.copytree(NOTEBOOKS, project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    settings = shared_desk.settings
    bundle = build(project / notebook, settings=settings)
    python = stand_in("runpod/flash-cpu:latest", PYTHON, settings.cache)
    resource = bundle.manifest.function_registry[function]
    packed = {name: base64.b64encode(pickle.dumps(value)).decode() for name, value in inputs.items()}
    request = {"function_name": function, "execution_type": "function", "args": [], "kwargs": packed}
    done = subprocess.run(
        [python, WORKER, bundle.archive, tmp_path / "app"],
        cwd=tmp_path,
        env={**plain_environment(settings.home), "RUNPOD_ENDPOINT_ID": "e", "FLASH_RESOURCE_NAME": resource},
        input=json.dumps(request) + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    answer = json.loads(done.stdout.partition("answer ")[2] or "{}")
    assert answer.get("success"), f"{answer}\n{done.stderr}"
    assert pickle.loads(base64.b64decode(answer["result"])) == expected


def test_an_environment_that_no_preview_asked_for_in_a_month_is_removed(shared_desk: Any) -> None:
    images = shared_desk.settings.cache / "images"
    unused = images / "py3.9-unused"
    unused.mkdir(parents=True)
    os.utime(unused, (0, 0))
    python = stand_in("runpod/flash-cpu:latest", PYTHON, shared_desk.settings.cache)
    assert (unused.exists(), python.exists()) == (False, True)
