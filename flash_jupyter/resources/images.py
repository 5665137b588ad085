"""Which image runs where nobody names one: the published images of the caller's Python (D3)."""

from __future__ import annotations

from dataclasses import dataclass

from flash_jupyter.errors import OptionError

#: Python minor versions that images are published for (flash-wire reference 5.2)
PUBLISHED_PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13))


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
        return family if has_tag else f"{family}:py{python[0]}.{python[1]}-{self.tag}"


def check_python(caller: tuple[int, int], wanted: str | None, *, embedded: bool) -> None:
    """Raise `OptionError` where functions of the caller's Python can't run: they travel as its bytecode.

    On the embedded Runpod workers run the caller's own Python, so any version does.
    """
    mine = f"{caller[0]}.{caller[1]}"
    if wanted and wanted != mine:
        raise OptionError(
            f"python_version={wanted}: functions travel as code of Python {mine}, which {wanted} can't run",
            fix=f"use Python {wanted} here, or leave python_version= away",
        )
    if not embedded and caller not in PUBLISHED_PYTHONS:
        first, last = (f"{major}.{minor}" for major, minor in (PUBLISHED_PYTHONS[0], PUBLISHED_PYTHONS[-1]))
        raise OptionError(
            f"there is no published image for Python {mine}",
            fix=f"use Python {first} to {last}, name an image of your own, or use the embedded Runpod",
        )
