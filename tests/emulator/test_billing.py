from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from flash_jupyter.emulator.billing import show, window_of
from flash_jupyter.emulator.problems import Problem

NOW = datetime(2026, 6, 10, 13, 30, 5, tzinfo=timezone.utc).timestamp()  # a Wednesday

WINDOWS: list[tuple[str, dict[str, Any], str, str]] = [
    ("thirty days by default, whole ones", {}, "2026-05-11T00:00:00Z", "2026-06-11T00:00:00Z"),
    (
        "edges stay",
        {"startTime": "2026-06-01T00:00:00Z", "endTime": "2026-06-02T00:00:00Z"},
        "2026-06-01T00:00:00Z",
        "2026-06-02T00:00:00Z",
    ),
    (
        "the start is snapped down, the end up",
        {"startTime": "2026-06-01T10:20:30.5Z", "endTime": "2026-06-01T10:21:00Z", "bucketSize": "hour"},
        "2026-06-01T10:00:00Z",
        "2026-06-01T11:00:00Z",
    ),
    (
        "a time of another zone",
        {"startTime": "2026-06-01T01:00:00+02:00", "bucketSize": "day"},
        "2026-05-31T00:00:00Z",
        "2026-06-11T00:00:00Z",
    ),
    ("the current hour", {"lastN": 1, "bucketSize": "hour"}, "2026-06-10T13:00:00Z", "2026-06-10T14:00:00Z"),
    ("two days", {"lastN": 2}, "2026-06-09T00:00:00Z", "2026-06-11T00:00:00Z"),
    ("two weeks from Monday", {"lastN": 2, "bucketSize": "week"}, "2026-06-01T00:00:00Z", "2026-06-15T00:00:00Z"),
    ("months over a new year", {"lastN": 7, "bucketSize": "month"}, "2025-12-01T00:00:00Z", "2026-07-01T00:00:00Z"),
    ("two years", {"lastN": 2, "bucketSize": "year"}, "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(("query", "start", "end"), [case[1:] for case in WINDOWS], ids=[case[0] for case in WINDOWS])
def test_the_window_of_a_query(query: dict[str, Any], start: str, end: str) -> None:
    window = window_of(query, NOW)
    assert (show(window.start), show(window.end)) == (start, end)


REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("a count and a time", {"lastN": 1, "endTime": "2026-06-01T00:00:00Z"}, 400, "exclude each other"),
    ("an end before the start", {"endTime": "2020-01-01T00:00:00Z"}, 400, "startTime must be before endTime"),
    ("further back than time goes", {"lastN": 10**9}, 400, "out of range"),
    ("an end beyond time", {"endTime": "9999-12-31T23:59:59Z", "bucketSize": "year"}, 400, "out of range"),
    ("no time", {"startTime": "yesterday"}, 422, "startTime: 'yesterday' is not an RFC 3339 time"),
    ("a day that is none", {"startTime": "2026-02-30T00:00:00Z"}, 422, "startTime: "),
]


@pytest.mark.parametrize(("query", "status", "text"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_queries_that_are_refused(query: dict[str, Any], status: int, text: str) -> None:
    with pytest.raises(Problem) as caught:
        window_of(query, NOW)
    assert caught.value.status == status
    assert text in " ".join([caught.value.detail, *caught.value.errors])
