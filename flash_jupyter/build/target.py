"""What bundles are made for: CPython on linux x86_64 (the published images), whatever machine builds them.

Of what an image already has only the torch family stays out of a bundle (design, section 6): it is large, and built for
the image's CUDA. What the images have beside it has the image's version, not the notebook's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from flash_jupyter.capture import packages
from flash_jupyter.resources.images import Images
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.template import PodTemplate

#: the newest glibc that wheels may ask for (flash-wire.md 6.4), as uv and as wheels' tags spell it
GLIBC = (2, 28)
UV_PLATFORM = f"x86_64-manylinux_{GLIBC[0]}_{GLIBC[1]}"
#: older pips don't know that a newer glibc runs what an older one asks for, so each is named; newest first
PIP_PLATFORMS = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC[1], 4, -1)),
    *("manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"),
)
#: the family, by its distributions; what they require themselves is not installed with them
FAMILY = ("torch", "torchaudio", "torchvision", "triton")


def applies(marker: Marker | None, python: str, extra: str = "") -> bool:
    """Whether a requirement's marker holds on a worker of this Python.

    >>> applies(Marker("sys_platform == 'win32'"), "3.12"), applies(Marker("python_version < '3.11'"), "3.10")
    (False, True)
    """
    return marker is None or marker.evaluate({**environment(python), "extra": extra})


def required_by(distribution: metadata.Distribution, python: str, extra: str = "") -> Iterator[Requirement]:
    """Yield what a distribution requires on a worker of this Python, with this extra; without markers."""
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if applies(requirement.marker, python, extra):
            requirement.marker = None
            yield requirement


def environment(python: str) -> Mapping[str, str]:
    """Return the values of environment markers on a worker; its patch release is not known, 0 is taken."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def image_family(resource: Resource) -> str | None:
    """Return "gpu" or "cpu" of `base_images.json`, None for an image of the user's own."""
    named = named_image(resource)
    if not named:
        return "cpu" if resource.cpus else "gpu"
    images = Images()
    known = {images.gpu: "gpu", images.lb: "gpu", images.cpu: "cpu", images.lb_cpu: "cpu"}
    return known.get(re.sub(r"(:[^/:]*)?(@[^/]*)?$", "", named))


def named_image(resource: Resource) -> str:
    """Return the image that the user names, for the resource or in its template; empty for none."""
    pod = resource.template if isinstance(resource.template, PodTemplate) else None
    return resource.image_name or (pod and pod.image_name) or ""


def in_image(resource: Resource, python: str) -> frozenset[str]:
    """Return the modules that a resource's image has; none where nothing is known of it."""
    family = image_family(resource)
    return (packages.in_image(family, python) if family else None) or frozenset()


def left_out(resource: Resource, python: str) -> frozenset[str]:
    """Return the distributions that are not bundled for a resource, because its image has them."""
    return frozenset(FAMILY) & in_image(resource, python)


def read_exclude(text: str) -> frozenset[str]:
    """Read the value of `--exclude`.

    >>> sorted(read_exclude("torch, Scikit_Learn,,"))
    ['scikit-learn', 'torch']
    """
    return frozenset(str(canonicalize_name(name.strip())) for name in text.split(",") if name.strip())


def matched(names: Iterable[str], requirements: Iterable[str], site: Path, python: str) -> frozenset[str]:
    """Return those names that would be installed if they were not left out.

    They are asked for by `requirements`, or by a distribution that was installed into `site`.
    """
    asked = {str(canonicalize_name(Requirement(text).name)) for text in requirements if not text.startswith("-")}
    found = metadata.distributions(path=[str(site)])
    return frozenset(names) & (
        asked | {str(canonicalize_name(r.name)) for each in found for r in required_by(each, python)}
    )
