"""Which distribution brings a module, and what the images have."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from flash_jupyter.capture.packages import brought_by, distributions_of, image_name, in_image


@pytest.mark.parametrize(
    ("module", "distribution"),
    [("sklearn", "scikit-learn"), ("yaml", "pyyaml"), ("PIL", "pillow"), ("bs4", "beautifulsoup4"), ("a_b", "a-b")],
)
def test_the_likeliest_distribution_comes_first(module: str, distribution: str) -> None:
    assert distributions_of(module)[0] == distribution


def test_one_of_several_distributions_is_enough() -> None:
    assert {"opencv-python", "opencv-python-headless"} <= set(distributions_of("cv2"))


def test_requirements_bring_their_own_requirements() -> None:
    assert {"jupyterlab", "jinja2", "markupsafe"} <= brought_by(["jupyterlab>=4"])


def test_extras_count_only_when_asked_for() -> None:
    assert "socksio" not in brought_by(["httpx"])
    assert "socksio" in brought_by(["httpx[socks]"])


@pytest.mark.parametrize(
    ("dep", "name"),
    [
        ("git+https://github.com/owner/some_repo.git@main", "some-repo"),
        ("git+https://github.com/owner/repo#egg=other", "other"),
        ("https://host/files/pack-1.0-py3-none-any.whl", "pack"),
        ("name @ https://host/x.zip", "name"),
    ],
)
def test_addresses_are_read_as_far_as_they_tell(dep: str, name: str) -> None:
    assert name in brought_by([dep])


def test_images_differ_by_family_and_python() -> None:
    gpu, cpu = in_image("gpu", "3.12"), in_image("cpu", "3.12")
    assert gpu is not None
    assert cpu is not None
    assert {"torch", "torchvision", "numpy", "torchaudio"} <= gpu
    assert "torchaudio" not in (in_image("gpu", "3.11") or ())
    assert "numpy" not in cpu
    assert {"cloudpickle", "pydantic", "fastapi", "runpod", "requests", "aiohttp"} <= cpu & gpu


def test_of_another_image_nothing_is_known() -> None:
    assert in_image("registry/mine:latest", "3.12") is None


def test_images_have_their_published_names() -> None:
    assert (image_name("gpu"), image_name("cpu")) == ("runpod/flash", "runpod/flash-cpu")


def test_every_list_says_where_it_is_from_and_when() -> None:
    table = json.loads(resources.files("flash_jupyter").joinpath("base_images.json").read_text("utf-8"))
    assert all(part["source"] and part["date"] for part in table["parts"].values())
    used = {part for image in table["images"].values() for parts in image["pythons"].values() for part in parts}
    assert used == set(table["parts"])
