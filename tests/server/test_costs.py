"""The bill over the routes: by the day and by the endpoint."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from jupyter_user import Ask, User


async def test_what_was_billed_by_day_and_endpoint(ask: Ask, user: User) -> None:
    user.platform.add({"name": "trainer"})
    today = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    user.platform.records = [
        {
            "serverlessId": "ep1",
            "startTime": (today - timedelta(days=back)).isoformat(),
            "endTime": (today - timedelta(days=back - 1)).isoformat(),
            "totalAmount": usd,
        }
        for back, usd in ((2, 1.0), (0, 0.5))
    ]
    answer = await ask("GET", "/costs?days=3")
    local, cloud = answer.document["backends"]
    assert local == {"name": "local", "state": "asleep", "error": None, "bill": None}
    bill = cloud["bill"]
    assert [row["usd"] for row in bill["by_day"]][-1] in (0.5, 0.0), "midnight may have passed"
    assert sum(row["usd"] for row in bill["by_day"]) in (1.5, 0.5)
    assert bill["days_usd"] == 1.5
    assert bill["endpoints"][0]["endpoint"] == "trainer"
    assert bill["is_charged"]
    assert answer.document["days"] == 3


@pytest.mark.parametrize("days", ["0", "91", "week"])
async def test_a_number_of_days_that_can_not_be_meant(days: str, ask: Ask, user: User) -> None:
    answer = await ask("GET", f"/costs?days={days}")
    assert answer.status == 400
    assert answer.document == {
        "type": "BadRequestError",
        "message": f"days is `{days}`",
        "fix": "write a whole number from 1 to 90",
        "status": 400,
    }
    assert user.platform.calls == []
