"""What a plan takes away, and what of that nobody need be asked about: second endpoints that our own deploys made.

Two of our deploys at the same moment, and a replacement that was cut, leave such. What anybody else made may be in use.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flash_jupyter.deploy.labels import RUN
from flash_jupyter.deploy.plan import Action, Plan, Step
from flash_jupyter.errors import DeployError
from flash_jupyter.resources.endpoint import OWNER
from flash_jupyter.wire.control import Endpoint


@dataclass(frozen=True)
class Consent:
    """What has to be allowed: resources that left the bundle, second endpoints, and resources that are made anew."""

    left: tuple[str, ...]
    second: tuple[Step, ...]
    replaced: tuple[str, ...]

    @property
    def is_needed(self) -> bool:
        """Whether somebody has to be asked at all."""
        return bool(self.left or self.second or self.replaced)

    def refused(self) -> DeployError:
        """Return the error for who was asked and said no."""
        if self.left:
            them = "it" if len(self.left) == 1 else "them"
            return DeployError(
                f"the bundle has no {', '.join(self.left)} any more, and removing {them} was not allowed",
                fix=f"allow it, or bring {them} back into the sources and build again",
            )
        if self.second:
            names = ", ".join(sorted({step.name for step in self.second}))
            ids = ", ".join(sorted(step.endpoint_id or "" for step in self.second))
            return DeployError(
                f"more than one endpoint serves {names}, not all made by your deploys, "
                f"and removing {ids} was not allowed",
                fix="ask who uses it, then allow it, or delete the one that nobody uses",
            )
        return DeployError(
            f"{', '.join(self.replaced)} would be made anew, with another id and URL, and that was not allowed",
            fix="allow it, or take back what the plan shows, and build again",
        )


def consent_for(plan: Plan, wanted: Collection[str], before: Mapping[str, Endpoint], owner: str) -> Consent:
    """Return what of a plan has to be allowed; `before` are the endpoints that there are, by id.

    A second endpoint goes unasked only where this owner's deploys made both it and all others of its resource.
    """
    deleted = plan.of(Action.DELETE)
    foreign = {step.name for step in plan.steps if step.endpoint_id and not _is_ours(before[step.endpoint_id], owner)}
    return Consent(
        left=tuple(sorted({step.name for step in deleted if step.name not in wanted})),
        second=tuple(step for step in deleted if step.name in wanted and step.name in foreign),
        replaced=tuple(sorted(step.name for step in plan.of(Action.REPLACE))),
    )


def _is_ours(endpoint: Endpoint, owner: str) -> bool:
    return RUN in endpoint.env and endpoint.env.get(OWNER) == owner
