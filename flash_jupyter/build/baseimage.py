"""Which packages the image of a resource already has: these stay out of a bundle (design, section 6).

Only the torch family is left out, which is large and is built for the image's CUDA. What the images have beside it has
the image's version, not the notebook's, so it is bundled where it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from flash_jupyter.build.target import applies
from flash_jupyter.capture import packages
from flash_jupyter.resources.images import Images
from flash_jupyter.resources.model import Resource
from flash_jupyter.resources.template import PodTemplate

#: the family, by its distributions; what they require themselves is not installed with them
FAMILY = ("torch", "torchaudio", "torchvision", "triton")


def image_family(resource: Resource) -> str | None:
    """Return "gpu" or "cpu" of `base_images.json`, None for an image of the user's own."""
    pod = resource.template if isinstance(resource.template, PodTemplate) else None
    named = resource.image_name or (pod.image_name if pod else None)
    if not named:
        return "cpu" if resource.cpus else "gpu"
    images = Images()
    known = {images.gpu: "gpu", images.lb: "gpu", images.cpu: "cpu", images.lb_cpu: "cpu"}
    return known.get(re.sub(r"(:[^/:]*)?(@[^/]*)?$", "", named))


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
    return frozenset(names) & (asked | set(_required_in(site, python)))


def _required_in(site: Path, python: str) -> Iterator[str]:
    for distribution in metadata.distributions(path=[str(site)]):
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if applies(requirement.marker, python):
                yield str(canonicalize_name(requirement.name))
