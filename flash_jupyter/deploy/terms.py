"""On what terms something is deployed, what is told meanwhile, and what it ends with.

They are the same for a new bundle, a build that is promoted, and the way back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from flash_jupyter.deploy.plan import Plan

StepName = Literal["turn", "upload", "trial", "plan", "apply", "wait", "smoke", "rollback", "remove"]


@dataclass(frozen=True)
class Progress:
    """One piece of news. `done` of `total` are bytes for "upload", endpoints else; a `total` of 0 says nothing.

    `plan` comes with the step "plan", before anything is changed; `back_to` with the first "rollback" of a way back:
    the build to which it goes.
    """

    step: StepName
    text: str
    done: int = 0
    total: int = 0
    plan: Plan | None = None
    back_to: str = ""


Report = Callable[[Progress], None]
AllowRemoval = Callable[[Plan], bool]

#: of the secret that holds the key with which deployed functions call each other (D12)
RUNTIME_SECRET = "flash_runtime_key"


def refuse(_: str) -> bool:
    """Allow nothing."""
    return False


def silent(_: Progress) -> None:
    """A report that nobody sees."""


@dataclass(frozen=True)
class Terms:
    """`allow_removal` is asked, with the plan and on a thread of its own, before an endpoint is deleted
    or made anew, except second ones that our own deploys left; where it says no, nothing is changed.
    `allow_unverified` is asked so, with the reason, before an environment goes back to a build that is named and never
    stood there.

    `sources` is the notebook or folder of which the build is: there the values are found out that its functions should
    give. Functions of plain modules are called there, and where they are deployed, by the examples in docstrings, and
    with their defaults only where `try_defaults` says so.
    `allow_missing` lets functions be deployed that read an environment variable which nobody sets.
    `repair_secret` holds the key that the mothership alone has, to make deleted endpoints anew; without one it has that
    of the others, and reports.
    """

    allow_removal: AllowRemoval
    smoke: bool = True
    try_defaults: bool = False
    sources: Path | None = None
    runtime_secret: str = RUNTIME_SECRET
    repair_secret: str = ""
    allow_missing: bool = False
    allow_unverified: Callable[[str], bool] = refuse
    report: Report = silent


State = Literal["verified", "listed, not verified"]


@dataclass(frozen=True)
class Standing:
    """An endpoint that stands. "verified": it is listed, its worker answered, and its functions gave what they should.

    `reason` says why it is not verified, empty where it is.
    """

    name: str
    endpoint_id: str
    url: str
    state: State
    reason: str = ""


@dataclass(frozen=True)
class Result:
    """What an environment runs now, and what was done for it."""

    app: str
    environment: str
    build_id: str
    plan: Plan
    endpoints: tuple[Standing, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "app": self.app,
            "environment": self.environment,
            "build_id": self.build_id,
            "plan": self.plan.to_json(),
            "endpoints": [asdict(each) for each in self.endpoints],
        }
