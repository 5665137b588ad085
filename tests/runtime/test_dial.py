"""How much time a call has: what is left of its caller's, and of what its endpoint allows."""

from __future__ import annotations

import time

from flash_jupyter.runtime.dial import remaining_s
from flash_jupyter.worker.current import Current, current, serving

MANIFEST = {
    "resources": {"a": {"config": {"executionTimeoutMs": 60_000}}, "b": {}, "c": {"config": {"executionTimeoutMs": 0}}}
}


def left_s(resource: str, **said: float) -> float | None:
    return remaining_s(MANIFEST, resource, **said)


def test_the_shortest_of_all_limits_counts() -> None:
    with serving(timeout_s=40.0):
        assert 0 < (left_s("a") or 0) <= 40.0
        assert left_s("a", asked_s=7.0) == 7.0
    with serving():
        assert 40.0 < (left_s("a") or 0) <= 60.0
        assert 60.0 < (left_s("b") or 0) <= 600.0


def test_without_any_limit_there_is_none() -> None:
    with serving():
        assert left_s("c") is None


def test_what_has_passed_is_over() -> None:
    with serving(timeout_s=0.0):
        assert (left_s("a") or 0) <= 0


def test_the_outermost_call_is_the_job() -> None:
    with serving(timeout_s=40.0):
        outer = current()
        with serving(timeout_s=1.0):
            assert current() is outer
    assert current() is None
    assert isinstance(outer, Current)
    assert outer.began <= time.monotonic()
