"""`--preview=docker` with a real engine: where none answers these are skipped, and say so.

The image is made of this machine's files under the published one's name (`tests/support/container_image.py`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from bundles import hand_made
from container_image import import_image

from flash_jupyter.build.docker import LABEL, make_mark, process_place, remove_left_behind
from flash_jupyter.build.preview import Preview
from flash_jupyter.build.standins import stand_in
from flash_jupyter.errors import BuildError
from flash_jupyter.session.local import local_info

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
#: not a published name: an image that a developer has pulled stays what it is
IMAGE = f"flash-jupyter-test/cpu:{os.getpid()}"


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=120, check=False)
    return done.stdout.strip()


def has_engine() -> bool:
    return shutil.which("docker") is not None and bool(docker("info", "--format", "{{.ServerVersion}}"))


def own_containers() -> list[str]:
    """The images of the containers that previews of this process run; others may run some at the same time."""
    lines = docker("ps", "--all", "--format", f'{{{{.Image}}}} {{{{.Label "{LABEL}"}}}}').splitlines()
    return [line.split()[0] for line in lines if f" {process_place()}:{os.getpid()}:" in line]


pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.skipif(not has_engine(), reason="no Docker engine answers: --preview=docker is NOT tested here"),
]


@pytest.fixture(scope="module")
def image(shared_desk: Any) -> Any:
    import_image(IMAGE, stand_in("runpod/flash-cpu:latest", PYTHON, shared_desk.settings.cache))
    yield IMAGE
    docker("rmi", "--force", IMAGE)


def with_image(folder: Path, name: str, **more: Any) -> tuple[Path, Any]:
    archive, manifest = hand_made(folder, PYTHON, **more)
    for resource in manifest.resources.values():
        resource.imageName = name
    return archive, manifest


def test_every_resource_runs_in_a_container_of_its_image_and_none_is_left(
    desk: Any, image: str, tmp_path: Path
) -> None:
    with Preview(*with_image(tmp_path, image), desk.settings, in_docker=True) as preview:
        till, shop = preview.start()
        running = own_containers()
        info = local_info(desk.settings)
        assert info is not None
        with httpx.Client(headers={"Authorization": f"Bearer {info.api_key}"}, timeout=120, trust_env=False) as client:
            wanted = {"function": "total", "items": ["tea", "cake"]}
            total = client.post(f"{till.url}/runsync", json={"input": wanted}).json()
            price = client.get(f"{shop.url}/prices/cake", params={"count": 3}).json()
    assert running == [image, image]
    assert (total["output"], price) == (6.5, {"total": 12.0})
    assert own_containers() == []


def test_an_import_that_fails_is_told_from_within_the_container(desk: Any, image: str, tmp_path: Path) -> None:
    archive, manifest = with_image(tmp_path, image, broken=True, without="shop")
    with pytest.raises(BuildError) as raised, Preview(archive, manifest, desk.settings, in_docker=True) as preview:
        preview.start()
    assert str(raised.value).startswith(
        "the workers of till do not start: one ended before it was ready: exit code 1\n  in a container: True\n"
    )
    assert "ModuleNotFoundError: No module named 'nothing_like_it'" in str(raised.value)


def test_an_image_that_can_not_be_had_is_told_with_what_to_do(desk: Any, tmp_path: Path) -> None:
    unknown = "127.0.0.1:1/nobody/has:this"
    archive, manifest = with_image(tmp_path, unknown, without="shop")
    with pytest.raises(BuildError) as raised, Preview(archive, manifest, desk.settings, in_docker=True) as preview:
        preview.start()
    fix = f"look whether the engine gets the image: docker pull {unknown}; without it: flash build --preview"
    assert raised.value.fix == fix


def test_what_a_killed_preview_left_is_removed_and_what_a_living_one_runs_is_not(image: str) -> None:
    gone = "999999999:1.00:ab12"
    marks = {
        "killed": f"{process_place()}:{gone}",
        "alive": make_mark(),
        "elsewhere": f"attic:{gone}",
        "unreadable": "mine",
    }
    command = [image, "sh", "-c", "read forever"]
    made = {
        name: docker("run", "--detach", "--interactive", "--label", f"{LABEL}={mark}", *command)
        for name, mark in marks.items()
    }
    try:
        remove_left_behind()
        left = docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={LABEL}").split()
        assert [name for name, container in made.items() if container in left] == ["alive", "elsewhere", "unreadable"]
    finally:
        docker("rm", "--force", *made.values())
