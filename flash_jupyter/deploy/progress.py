"""What a deploy tells while it runs; who shows it decides how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

StepName = Literal["upload", "trial", "plan", "apply", "wait", "smoke", "rollback", "remove"]


@dataclass(frozen=True)
class Progress:
    """One piece of news. `done` of `total` are bytes for "upload", endpoints else; a `total` of 0 says nothing."""

    step: StepName
    text: str
    done: int = 0
    total: int = 0


Report = Callable[[Progress], None]
