"""`%flash volumes`: what a cell has made is listed, kept while it is used, and deleted when the user says so."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.journey


def test_a_volume_is_listed_and_deleted_when_nobody_uses_it(shared_desk: Any, notebook: Any) -> None:
    notebook.ok("%%remote cpu=cpu3c-2-4 name=volume-user volume=journey-data:10\nx = 1")
    shown = notebook.ok("%flash volumes").displays[-1]
    assert [line.split() for line in shown.splitlines() if "journey-data" in line] == [
        ["journey-data", "10", "GB", "EU-RO-1", "volume-user"]
    ]
    refused = notebook.run("%flash volumes delete journey-data --yes")
    assert refused.stderr == (
        "UsageError: network volume journey-data was not deleted: endpoint volume-user uses it\n"
        "  → undeploy it first: %flash undeploy volume-user\n"
    )
    notebook.ok("%flash undeploy volume-user")
    assert notebook.run("%flash volumes delete journey-data").stderr == (
        "UsageError: nothing was done: delete network volume journey-data with all that is on it?\n"
        "  → write %flash volumes delete journey-data --yes\n"
    )
    assert notebook.ok("%flash volumes delete journey-data --yes").status == "deleted: journey-data"
    (listed,) = notebook.ok("%flash volumes --json").bundles
    assert "journey-data" not in str(listed["application/json"])


WRONG = [
    ("%flash volumes all", "%flash volumes: no such command 'all'"),
    ("%flash volumes create", "a network volume is made by what uses it first"),
    ("%flash volumes delete", "%flash volumes delete: missing argument"),
    ("%flash volumes delete --yes", "%flash volumes delete: missing argument"),
]


@pytest.mark.parametrize(("line", "text"), WRONG, ids=[c[0] for c in WRONG])
def test_what_is_not_understood_says_what_to_write(notebook: Any, line: str, text: str) -> None:
    told, fix = notebook.run(line).stderr.splitlines()
    assert told.startswith(f"UsageError: {text}")
    assert fix.startswith("  → write ")
