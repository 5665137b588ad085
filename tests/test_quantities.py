from __future__ import annotations

from datetime import datetime, timezone

import pytest

from flash_jupyter.quantities import read_time

SEVEN = datetime(2026, 11, 22, 7, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T07:00:00Z", "2026-11-22T07:00:00.000Z", "2026-11-22T07:00:00", "2026-11-22T08:00:00+01:00"],
)
def test_a_time_is_read_however_it_is_written(text: str) -> None:
    assert read_time(text) == SEVEN


@pytest.mark.parametrize("text", ["", None, "soon"])
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert read_time(text) is None
