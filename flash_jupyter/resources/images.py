"""Which image runs where nobody names one: the published images of the caller's Python (D3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flash_jupyter.errors import OptionError

#: Python minor versions that images are published for (flash-wire reference 5.2)
PUBLISHED_PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13))

_PYTHON_TAG = re.compile(r":py(\d+)\.(\d+)-")


@dataclass(frozen=True)
class Images:
    """The images of live endpoints: four families, and the tag behind `py<version>-` (flash-wire reference 5.6).

    A family may be a whole reference, with a tag or digest of its own; then it is used as it is.
    """

    gpu: str = "runpod/flash"
    cpu: str = "runpod/flash-cpu"
    lb: str = "runpod/flash-lb"
    lb_cpu: str = "runpod/flash-lb-cpu"
    tag: str = "latest"

    def reference(self, *, cpu: bool, load_balanced: bool, python: tuple[int, int]) -> str:
        """Return the image of a live endpoint for a Python minor version.

        >>> Images().reference(cpu=True, load_balanced=False, python=(3, 11))
        'runpod/flash-cpu:py3.11-latest'
        >>> Images(lb="registry.test:5000/lb:mine").reference(cpu=False, load_balanced=True, python=(3, 11))
        'registry.test:5000/lb:mine'
        """
        gpu_family, cpu_family = (self.lb, self.lb_cpu) if load_balanced else (self.gpu, self.cpu)
        family = cpu_family if cpu else gpu_family
        has_tag = ":" in family.rpartition("/")[2] or "@" in family
        return family if has_tag else f"{family}:py{show_python(python)}-{self.tag}"


def check_python(caller: tuple[int, int], wanted: str | None) -> None:
    """Raise `OptionError` where functions of the caller's Python could not run: they travel as its bytecode."""
    mine = show_python(caller)
    if wanted and wanted != mine:
        raise OptionError(
            f"python_version={wanted}: functions travel as code of Python {mine}, which {wanted} can't run",
            fix=f"use Python {wanted} here, or leave python_version= away",
        )


def read_python(text: str) -> tuple[int, int]:
    """Read a minor version, or raise `OptionError`.

    >>> read_python("3.12")
    (3, 12)
    """
    found = re.fullmatch(r"3\.(\d{1,2})", text)
    if found is None:
        raise OptionError(
            f"python={text} is no minor version of Python",
            fix=f"write one as in python={show_python(PUBLISHED_PYTHONS[-1])}",
        )
    return 3, int(found[1])


def check_published(python: tuple[int, int]) -> None:
    """Raise `OptionError` where no image is published for a Python: its workers would never start."""
    if python not in PUBLISHED_PYTHONS:
        raise OptionError(
            f"there is no published image for Python {show_python(python)}",
            fix=f"use Python {show_python(PUBLISHED_PYTHONS[0])} to {show_python(PUBLISHED_PYTHONS[-1])}, "
            "name an image of your own, or use the embedded Runpod",
        )


def python_of(image: str) -> tuple[int, int] | None:
    """Return the Python minor version that the tag of a live endpoint's image names.

    >>> python_of("runpod/flash:py3.12-latest"), python_of("me/mine:1")
    ((3, 12), None)
    """
    found = _PYTHON_TAG.search(image)
    return (int(found[1]), int(found[2])) if found else None


def show_python(python: tuple[int, int]) -> str:
    """Return `3.11` for `(3, 11)`."""
    return f"{python[0]}.{python[1]}"
