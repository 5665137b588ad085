from __future__ import annotations

import importlib.util
import sys

import pytest

from flash_jupyter.build.standins import HEAVY, lacks_torch, packages_of

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
IMAGES = [
    ("a GPU image", "runpod/flash:py3.12-latest", "3.12", {"runpod", "numpy", "torch", "torchaudio"}, set()),
    ("a GPU image of another Python", "runpod/flash-lb:latest", "3.11", {"runpod", "torch"}, {"torchaudio"}),
    ("a CPU image", "runpod/flash-cpu:latest", "3.12", {"runpod", "fastapi", "uvicorn"}, {"numpy", "torch"}),
    ("an image of the user's own", "me/mine:1", "3.12", {"runpod"}, {"torch"}),
]


@pytest.mark.parametrize(
    ("image", "python", "there", "missing"), [case[1:] for case in IMAGES], ids=[case[0] for case in IMAGES]
)
def test_what_stands_for_an_image_has_its_packages(image: str, python: str, there: set[str], missing: set[str]) -> None:
    packages = packages_of(image, python)
    assert there <= packages
    assert not missing & packages


def test_torch_is_borrowed_from_this_machine_or_missing() -> None:
    assert "torch" in HEAVY
    assert lacks_torch("runpod/flash:latest", HERE) is (importlib.util.find_spec("torch") is None)
    assert lacks_torch("runpod/flash:latest", "3.1")
    assert not lacks_torch("runpod/flash-cpu:latest", HERE)
