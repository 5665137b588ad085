"""Which distribution brings a module, and whether the worker will have it: from its image, or with `deps=`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata, resources
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    from importlib.metadata import packages_distributions
else:  # 3.10's own knows only the packages that setuptools built
    from importlib_metadata import packages_distributions

#: modules whose distribution has another name, for when it is not installed here; the usual one first
DISTRIBUTIONS: Mapping[str, tuple[str, ...]] = {
    "Bio": ("biopython",),
    "Crypto": ("pycryptodome",),
    "OpenSSL": ("pyopenssl",),
    "PIL": ("pillow",),
    "attr": ("attrs",),
    "bs4": ("beautifulsoup4",),
    "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "dateutil": ("python-dateutil",),
    "docx": ("python-docx",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "fitz": ("pymupdf",),
    "git": ("gitpython",),
    "jwt": ("pyjwt",),
    "magic": ("python-magic",),
    "mpl_toolkits": ("matplotlib",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "pptx": ("python-pptx",),
    "serial": ("pyserial",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "whisper": ("openai-whisper",),
    "yaml": ("pyyaml",),
}


def distributions_of(module: str) -> tuple[str, ...]:
    """Return the distributions that may bring a top-level module, the likeliest first, in canonical spelling.

    >>> distributions_of("sklearn")
    ('scikit-learn',)
    >>> distributions_of("no_such_module")
    ('no-such-module',)
    """
    known = DISTRIBUTIONS.get(module, ())
    here = tuple(canonicalize_name(name) for name in _known_modules().get(module, ()))
    return tuple(dict.fromkeys([*here, *known])) or (str(canonicalize_name(module)),)


@lru_cache(maxsize=32)
def in_image(family: str, python: str) -> frozenset[str] | None:
    """Return the modules that an image family ("gpu", "cpu") has for a Python ("3.12"); None where nobody knows.

    >>> "torch" in in_image("gpu", "3.12"), "torch" in in_image("cpu", "3.12"), in_image("mine", "3.12")
    (True, False, None)
    """
    image = base_images()["images"].get(family)
    if image is None:
        return None
    parts = image["pythons"].get(python) or image["pythons"]["*"]
    found = (base_images()["parts"][part]["packages"].values() for part in parts)
    return frozenset(module for packages in found for modules in packages for module in modules)


def image_name(family: str) -> str:
    """Return the published name of an image family's queue image."""
    return str(base_images()["images"][family]["names"][0])


def brought_by(deps: Iterable[str]) -> frozenset[str]:
    """Return the distributions that these requirements bring, with what they require themselves.

    What is not installed here can't be asked for its own requirements; then only its name counts.

    >>> sorted(brought_by(["no-such-dist[extra]>=2", "git+https://host/no_repo.git"]))
    ['no-repo', 'no-such-dist']
    """
    found: set[str] = set()
    todo = [requirement for dep in deps if (requirement := _parse(dep)) is not None]
    while todo:
        requirement = todo.pop()
        name = str(canonicalize_name(requirement.name))
        if name not in found:
            found.add(name)
            todo += _requirements(name, frozenset(requirement.extras))
    return frozenset(found)


def _parse(dep: str) -> Requirement | None:
    try:
        return Requirement(dep)
    except InvalidRequirement:  # an address or a path: its last part is the best guess
        egg = re.search(r"egg=([\w.-]+)", dep) or re.search(r"([A-Za-z][\w.-]*?)(?:\.git)?(?:@[^/]*)?/?(?:#.*)?$", dep)
        return Requirement(re.split(r"-\d", egg[1])[0]) if egg else None


@lru_cache(maxsize=1024)
def _requirements(name: str, extras: frozenset[str]) -> tuple[Requirement, ...]:
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return ()
    parsed = [requirement for line in lines if (requirement := _parse(line)) is not None]
    return tuple(r for r in parsed if any(_applies(r, extra) for extra in {"", *extras}))


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def installed_modules() -> Mapping[str, list[str]]:
    """Return the top-level modules that are installed here, each with the distributions that bring it."""
    return packages_distributions()


_known_modules = lru_cache(maxsize=1)(installed_modules)


@lru_cache(maxsize=1)
def base_images() -> Any:
    """Return what the published images have, as `base_images.json` says it."""
    return json.loads(resources.files("flash_jupyter").joinpath("base_images.json").read_text("utf-8"))
