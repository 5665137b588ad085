"""What a deploy tells while it runs; who shows it decides how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flash_jupyter.deploy.plan import Plan

StepName = Literal["turn", "upload", "trial", "plan", "apply", "wait", "smoke", "rollback", "remove"]


@dataclass(frozen=True)
class Progress:
    """One piece of news. `done` of `total` are bytes for "upload", endpoints else; a `total` of 0 says nothing.

    `plan` comes with the step "plan", before anything is changed.
    """

    step: StepName
    text: str
    done: int = 0
    total: int = 0
    plan: Plan | None = None


Report = Callable[[Progress], None]
