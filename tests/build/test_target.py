"""What the images have, which a bundle does not bring."""

from __future__ import annotations

from pathlib import Path

import pytest

from flash_jupyter.build.target import image_family, in_image, left_out, matched, read_exclude
from flash_jupyter.resources.classes import CpuLiveLoadBalancer, CpuLiveServerless, LiveServerless
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.template import PodTemplate

GPU = {"torch", "torchvision", "triton"}
IMAGES: list[tuple[str, Resource, str, str | None, set[str]]] = [
    ("a GPU worker", LiveServerless(name="a"), "3.11", "gpu", GPU),
    ("torchaudio is on the image of one Python", LiveServerless(name="a"), "3.12", "gpu", GPU | {"torchaudio"}),
    ("a CPU worker", CpuLiveServerless(name="a"), "3.12", "cpu", set()),
    ("a CPU load balancer", CpuLiveLoadBalancer(name="a"), "3.12", "cpu", set()),
    ("a GPU class with CPU instances", LiveServerless(name="a", instanceIds=["cpu3c-2-4"]), "3.12", "cpu", set()),
    ("an image of the user's own", LiveServerless(name="a", imageName="me/mine:1"), "3.12", None, set()),
    (
        "an image of the user's own in a template",
        LiveServerless(name="a", template=PodTemplate(imageName="me/mine")),
        "3.12",
        None,
        set(),
    ),
    (
        "a published image by its name",
        LiveServerless(name="a", imageName="runpod/flash:py3.11-latest"),
        "3.11",
        "gpu",
        GPU,
    ),
]


@pytest.mark.parametrize(
    ("resource", "python", "family", "absent"), [row[1:] for row in IMAGES], ids=[row[0] for row in IMAGES]
)
def test_the_torch_family_stays_out_where_the_image_has_it(
    resource: Resource, python: str, family: str | None, absent: set[str]
) -> None:
    assert image_family(resource) == family
    assert left_out(resource, python) == absent


def test_modules_of_an_image_are_known_and_of_others_none() -> None:
    assert {"torch", "numpy", "runpod"} <= in_image(LiveServerless(name="a"), "3.12")
    assert in_image(LiveServerless(name="a", imageName="me/mine:1"), "3.12") == frozenset()


def test_an_exclude_matches_what_is_asked_for_or_required_by_what_is_installed(tmp_path: Path) -> None:
    info = tmp_path / "app-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: app\nVersion: 1.0\nRequires-Dist: Py_Arrow>=2\n"
        "Requires-Dist: pywin32; sys_platform == 'win32'\nRequires-Dist: docs; extra == 'docs'\n"
    )
    names = read_exclude("py-arrow,pywin32,docs,Six,scipy")
    assert matched(names, ("--no-index", "six>=1", "app"), tmp_path, "3.12") == {"py-arrow", "six"}
