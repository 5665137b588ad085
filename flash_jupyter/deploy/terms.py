"""On what terms something is deployed: the same for a new bundle, a build that is promoted, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flash_jupyter.deploy.plan import Plan
from flash_jupyter.deploy.progress import Progress, Report

AllowRemoval = Callable[[Plan], bool]

#: of the secret that holds the key with which deployed functions call each other (D12)
RUNTIME_SECRET = "flash_runtime_key"


def silent(_: Progress) -> None:
    """A report that nobody sees."""


@dataclass(frozen=True)
class Terms:
    """`allow_removal` is asked, with the plan and on a thread of its own, before an endpoint is deleted
    or made anew, except second ones that our own deploys left; where it says no, nothing is changed.

    `sources` is the notebook or folder of which the build is: there the values are found out that its functions should
    give; functions of plain modules are called there, and where they are deployed, only where `try_defaults` says so.
    `allow_missing` lets functions be deployed that read an environment variable which nobody sets.
    """

    allow_removal: AllowRemoval
    smoke: bool = True
    try_defaults: bool = False
    sources: Path | None = None
    runtime_secret: str = RUNTIME_SECRET
    allow_missing: bool = False
    report: Report = silent
