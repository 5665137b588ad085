"""Endpoints joined with jobs: whose they are, and which notebook used them last."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from flash_jupyter.session.endpoints import EndpointView
from flash_jupyter.session.jobs import JobRecord
from flash_jupyter.session.overview import Overview, entries
from flash_jupyter.states import JobState

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def view(**changes: Any) -> EndpointView:
    fields: dict[str, Any] = {
        "name": "trainer",
        "id": "ep1",
        "backend": "local",
        "hardware": "ADA_24",
        "workers": "0",
        "jobs": "0",
        "owner": "ann",
        "created_at": "2026-11-22T10:00:00Z",
        "expires_at": "2026-11-23T10:00:00Z",
    }
    return EndpointView(**fields | changes)


def job(number: int, state: JobState = JobState.COMPLETED, **changes: Any) -> JobRecord:
    fields: dict[str, Any] = {"backend": "local", "created_at": f"2026-11-22T11:0{number}:00.000Z"}
    return JobRecord(f"fj-{number}", state, **fields | {"endpoint_id": "ep1", "notebook": f"{number}.ipynb"} | changes)


def entry(one: EndpointView, *jobs: JobRecord) -> Any:
    (found,) = entries([one], jobs, owner="ann", now=NOW)
    return found


PAST = "2026-11-22T11:59:00Z"
WHOSE = [
    ("one with our label is ours", view(), [], "ours"),
    ("one of another owner", view(owner="bob"), [], "others"),
    ("one without a label", view(owner="", expires_at=""), [], "others"),
    ("an expired one is an orphan", view(expires_at=PAST), [], "orphan"),
    ("an expired one of another owner too", view(expires_at=PAST, owner="bob"), [], "orphan"),
    ("one that does not say whether it is used is none", view(expires_at=PAST, jobs=None), [], "ours"),
    ("nor one whose worker is busy", view(expires_at=PAST, state="running"), [], "ours"),
    ("not while it has a job", view(expires_at=PAST, jobs="1 running"), [], "ours"),
    ("nor while we know of an open one", view(expires_at=PAST), [job(1, JobState.IN_QUEUE)], "ours"),
    ("a job that has ended does not keep it", view(expires_at=PAST), [job(1)], "orphan"),
]


@pytest.mark.parametrize(("one", "jobs", "whose"), [c[1:] for c in WHOSE], ids=[c[0] for c in WHOSE])
def test_whose_it_is(one: EndpointView, jobs: list[JobRecord], whose: str) -> None:
    assert entry(one, *jobs).whose == whose


def test_the_notebook_is_that_of_the_newest_job() -> None:
    found = entry(view(), job(2), job(1), job(3, endpoint_id="other"))
    assert (found.notebook, found.last_job_at) == ("2.ipynb", "2026-11-22T11:02:00.000Z")
    assert entry(view()).notebook == ""


def test_an_overview_is_one_json_object() -> None:
    jobs = (job(1),)
    overview = Overview({"backend": "local"}, entries([view()], jobs, owner="ann", now=NOW), jobs, NOW).to_json()
    assert (overview["backend"], overview["at"]) == ("local", "2026-11-22T12:00:00+00:00")
    assert overview["endpoints"] == [
        {
            **view().to_json(),
            "whose": "ours",
            "notebook": "1.ipynb",
            "last_job_at": "2026-11-22T11:01:00.000Z",
        }
    ]
    assert overview["jobs"] == [job(1).to_json()]
