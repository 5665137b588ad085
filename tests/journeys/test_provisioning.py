"""Endpoints on a bad day: sold out, made without an answer, deleted without an answer; a shared volume; the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flash_jupyter.session.local_admin import LocalAdmin

pytestmark = pytest.mark.journey


@pytest.fixture
def admin(notebook: Any, shared_desk: Any) -> Iterator[LocalAdmin]:
    """The embedded Runpod's own routes; faults end with the test."""
    notebook.ok("%flash local start")
    admin = LocalAdmin(shared_desk.settings)
    yield admin
    admin.clear_faults()


@pytest.fixture
def sold_out(admin: LocalAdmin) -> LocalAdmin:
    """An embedded Runpod without AMPERE_80."""
    admin.set_fault("no-stock", hardware=["AMPERE_80"])
    return admin


def test_before_anything_is_made_it_says_what_would_do(notebook: Any, sold_out: LocalAdmin) -> None:
    cell = notebook.run("%%remote gpu=AMPERE_80 volume=models:10\n1")
    assert cell.ename == "NoStockError"
    assert cell.error.startswith(
        "Runpod lists no stock of AMPERE_80 in EU-RO-1; nothing was made\n  → choose gpu= of what has stock in EU-RO-1: "
    )
    assert "AMPERE_16 ($0.58/h in EU-RO-1)" in cell.error
    assert "ampere-80" not in notebook.ok("%flash endpoints").text("display")


def test_a_cpu_and_a_volume_by_its_id_are_looked_at_too(notebook: Any, admin: LocalAdmin) -> None:
    notebook.ok("%%remote cpu=cpu3c-2-4 name=keeps volume=by-id:10\n1")
    (listed,) = notebook.ok("%flash volumes --json").bundles
    (volume,) = (each["id"] for each in listed["application/json"]["volumes"] if each["name"] == "by-id")
    admin.set_fault("no-stock", hardware=["cpu3c", "AMPERE_80"])
    for hardware in ("cpu=cpu3c-2-4", "gpu=AMPERE_80"):
        cell = notebook.run(f"%%remote {hardware} name=none volume=id:{volume}\n1")
        assert cell.error.startswith(
            f"Runpod lists no stock of {hardware[4:]} in EU-RO-1; nothing was made\n  → choose "
        )
    assert notebook.ok("%%remote cpu=cpu3c-2-4 name=keeps volume=by-id:10\n1 + 1").result == "2"
    notebook.ok("%flash undeploy keeps")
    notebook.ok("%flash volumes delete by-id --yes")


def test_the_next_pool_takes_the_cell(notebook: Any, sold_out: LocalAdmin) -> None:
    cell = notebook.ok("%%remote gpu=AMPERE_80,ADA_24 name=falls-back\nimport os\n1 + 1")
    assert cell.result == "2"
    notebook.ok("%flash undeploy falls-back")


@pytest.mark.parametrize("fault", ["500-done", "dropped"])
def test_an_endpoint_that_is_made_without_an_answer_is_used_and_not_made_twice(
    notebook: Any, admin: LocalAdmin, fault: str
) -> None:
    admin.set_fault(fault, route="create", times=1)
    assert notebook.ok(f"%%remote cpu=cpu3c-2-4 name=doubtful-{fault}\n1 + 1").result == "2"
    assert notebook.ok("%flash endpoints").text("display").count(f"doubtful-{fault}") == 1
    assert notebook.ok(f"%flash undeploy doubtful-{fault}").status == f"deleted: doubtful-{fault}"


def test_a_deletion_without_an_answer_is_reported_when_the_listing_says_so(notebook: Any, admin: LocalAdmin) -> None:
    notebook.ok("%%remote cpu=cpu3c-2-4 name=goes\n1")
    admin.set_fault("500-done", route="delete", times=1)
    assert notebook.ok("%flash undeploy goes").status == "deleted: goes"
    assert "goes" not in notebook.ok("%flash endpoints").text("display")


def test_two_endpoints_with_one_volume_see_the_same_files(notebook: Any) -> None:
    options = "cpu=cpu3c-2-4 volume=shared-files:10"
    notebook.ok(f"%%remote {options} name=writer\nimport os, pathlib\n"
                "pathlib.Path(os.environ['RUNPOD_VOLUME_PATH'], 'note').write_text('hello')")  # fmt: skip
    read = notebook.ok(f"%%remote {options} name=reader\nimport os, pathlib\n"
                       "pathlib.Path(os.environ['RUNPOD_VOLUME_PATH'], 'note').read_text()")  # fmt: skip
    assert read.result == "'hello'"
    notebook.ok("%flash undeploy writer")
    notebook.ok("%flash undeploy reader")


def test_the_doctor_in_a_cell(notebook: Any) -> None:
    shown = notebook.ok("%flash doctor").text("display")
    assert "local: the embedded Runpod of this machine (as FLASH_JUPYTER_BACKEND says)" in shown
    assert "none, and none is needed" in shown
    assert "fail" not in shown
