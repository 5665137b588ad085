"""Functions of one endpoint call those of others as if they were local: six endpoints, real workers, restricted keys."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calling import Calling, calling
from emulated import wait_for

from flash_jupyter.session.local_admin import LocalAdmin

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def shop(own_desk: Any) -> Iterator[Calling]:
    with calling(own_desk.settings, own_desk.folder) as found:
        yield found


ANSWERS: dict[str, tuple[tuple[str, str, dict[str, Any]], Any]] = {
    "queue to queue": (
        ("scorer", "score", {"rows": [1, None, 2]}),
        {"total": 30, "status": "COMPLETED", "has_id": True},
    ),
    "a result is passed on as it is, over two endpoints": (("boss", "twice", {"rows": [1, 2]}), 600),
    "for every element, without await": (("scorer", "score_all", {"groups": [[1], [2, 3]]}), [10, 50]),
    "an instance keeps what it knows": (("scorer", "fill", {}), [2, 3]),
    "queue to load balancer": (("scorer", "ask_price", {"item": "tea", "count": 2}), {"item": "tea", "total": 5.0}),
    "what a function raised, in its own type": (
        ("scorer", "caught", {"where": "queue"}),
        {"code": 7, "text": "no tea", "below": True},
    ),
    "what a route raised, in its own type": (
        ("scorer", "caught", {"where": "route"}),
        {"code": 9, "text": "not sold here", "below": True},
    ),
}


@pytest.mark.parametrize(("asked", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_call_gives_what_it_gives_at_home(
    asked: tuple[str, str, dict[str, Any]], expected: Any, shop: Calling
) -> None:
    resource, function, arguments = asked
    job = shop.ask(resource, function, **arguments)
    assert job.get("output") == expected, job


def test_a_load_balancer_calls_a_queue(shop: Calling) -> None:
    answer = shop.get("shop", "/totals/4")
    assert (answer.status_code, answer.json()) == (200, {"total": 60, "status": "COMPLETED", "has_id": True})
    refused = shop.get("shop", "/refused")
    assert (refused.status_code, refused.json()) == (500, {"detail": "Refused: no milk"})


def test_an_exception_that_nobody_catches_has_both_tracebacks(shop: Calling) -> None:
    job = shop.ask("scorer", "not_caught")
    assert job["status"] == "FAILED"
    for said in ("trade.Refused", "refuse, on a worker of cleaner:", "in refuse", "direct cause", "in not_caught"):
        assert said in job["error"]


def test_what_does_not_fit_is_said_before_it_is_sent(shop: Calling) -> None:
    job = shop.ask("scorer", "too_much")
    assert job["status"] == "FAILED"
    assert "what the call of clean needs takes 14.7 MB, a request holds 10.5 MB; nothing was sent" in job["error"]


def test_a_call_takes_no_longer_than_its_caller_waits(shop: Calling, tmp_path: Path) -> None:
    job = shop.ask("scorer", "wait_for", note=str(tmp_path / "note"), seconds=2)
    assert job["status"] == "FAILED"
    assert "hang on cleaner gave no answer in the 2.0 s that its caller had left" in job["error"]


def test_a_worker_that_is_killed_in_the_middle_is_said_and_nothing_runs_twice(shop: Calling, tmp_path: Path) -> None:
    note = tmp_path / "note"
    job_id = shop.start("scorer", "wait_for", note=str(note), seconds=300)
    pid = wait_for(lambda: note.exists() and note.read_text().endswith("\n") and int(note.read_text()), within_s=90)
    os.kill(pid, signal.SIGKILL)
    job = wait_for(lambda: shop.ended("scorer", job_id), within_s=90)
    assert job["status"] == "FAILED"
    assert "the worker of hang on cleaner died while it ran the job; it was not run again" in job["error"]
    assert shop.ask("scorer", "score", rows=[4])["output"]["total"] == 40
    assert note.read_text() == f"{pid}\n"


def test_a_call_asks_the_state_manager_nothing_while_its_map_is_fresh(shop: Calling, own_desk: Any) -> None:
    admin = LocalAdmin(own_desk.settings)
    assert shop.ask("scorer", "score", rows=[5])["output"]["total"] == 50
    admin.set_fault("500", route="graphql")
    try:
        assert shop.ask("scorer", "score", rows=[6])["output"]["total"] == 60
    finally:
        admin.clear_faults()


HYBRID = """

@remote(resource_config=gpu)
async def whole(rows):
    scored = await score(await clean(rows))
    return scored.output
"""


@pytest.mark.slow
def test_the_hybrid_pipeline_is_deployed_as_a_project(desk: Any) -> None:
    example = (Path(__file__).parents[1] / "examples" / "pipeline.py").read_text()
    (desk.folder / "pipeline.py").write_text(example + HYBRID)
    for words in (["build", "pipeline.py"], ["deploy", "send", "production", "--app-name", "hybrid", "--yes"]):
        with desk.start_python("-c", "from flash_jupyter.cli import main; main()", *words) as process:
            said = process.communicate(timeout=300)
            assert process.returncode == 0, said
    program = "import flash_jupyter; print(flash_jupyter.app('hybrid').whole(rows=[1, None, 2]))"
    assert desk.python("-c", program).stdout == "{'total': 30}\n"
