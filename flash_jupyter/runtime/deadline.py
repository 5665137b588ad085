"""How much time the job that calls another has left: what its own caller waits, and what its endpoint allows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flash_jupyter import limits
from flash_jupyter.worker.current import Current, current


def remaining_s(manifest: Mapping[str, Any], resource: str, *, asked_s: float | None = None) -> float | None:
    """Return the seconds that a call may take from now on; None for no limit. `asked_s` is what the call itself says.

    >>> round(remaining_s({"resources": {"a": {"config": {"executionTimeoutMs": 5000}}}}, "a", asked_s=9))
    5
    """
    job = current() or Current(time.monotonic())
    passed_s = time.monotonic() - job.began
    own_s = allowed_s(manifest.get("resources", {}).get(resource, {}))
    known = [limit_s - passed_s for limit_s in (own_s, job.timeout_s) if limit_s is not None]
    return min([*known, *([] if asked_s is None else [asked_s])], default=None)


def allowed_s(resource: Mapping[str, Any]) -> float | None:
    """Return how long a job or a request of a resource may take, in seconds; None for no limit.

    >>> allowed_s({"is_load_balanced": True}), allowed_s({"config": {"executionTimeoutMs": 0}})
    (330.0, None)
    """
    if resource.get("is_load_balanced"):
        return limits.BALANCER_PROCESSING_S
    said = resource.get("config", {}).get("executionTimeoutMs")
    return float(limits.OUR_EXECUTION_TIMEOUT_S) if said is None else said / 1000 or None
