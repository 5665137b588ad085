"""What a deploy ends with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from flash_jupyter.deploy.plan import Plan

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
