"""The card of a job: one publish for a short cell, a card that ticks for a long one, and always an end."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from flash_jupyter.views.card import JOB_VIEW, Place
from flash_jupyter.views.job import JobCard
from flash_jupyter.views.ticker import TICKER

LOCAL = Place("local", "flash-any", job_id="fj-1")
PAID = Place("runpod", "trainer", "AMPERE_80", 3.6, "fj-2")


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def card(publisher: Any, clock: Clock) -> JobCard:
    """A card that appears after a second; nobody ticks it but the test."""
    return JobCard(publisher, hint="how to cancel", appear_after_s=1, clock=clock)


def late(card: JobCard, clock: Clock) -> None:
    clock.now += 1
    card.tick()


def ended(card: JobCard, **measured: Any) -> None:
    nothing: dict[str, Any] = {
        "worker_id": None,
        "delay_ms": None,
        "execution_ms": None,
        "cost_usd": None,
        "phases_s": {},
    }
    card.measured(**{**nothing, **measured})


def test_a_short_cell_publishes_where_it_runs_and_no_more(publisher: Any, card: JobCard) -> None:
    card.phase("preflight")
    card.sent(LOCAL)
    card.phase("running", worker_id="w1")
    card.phase("returning")
    ended(card, worker_id="w1", delay_ms=3, execution_ms=4)
    card.finish("local", "flash-any", 0.1)
    assert publisher.texts() == [("display", "on the local Runpod · flash-any")]


def test_what_a_short_cell_cost_is_shown_all_the_same(publisher: Any, card: JobCard) -> None:
    card.sent(PAID)
    ended(card, worker_id="w1", execution_ms=4, cost_usd=0.001)
    card.finish("runpod", "trainer", 0.1)
    assert publisher.texts() == [
        ("display", "on Runpod · trainer"),
        ("update", "ran on Runpod · trainer · worker w1 · 0.10 s · $0.0010"),
    ]


def test_a_cell_that_was_never_sent_says_where_it_ran(publisher: Any, card: JobCard) -> None:
    card.finish("local", "flash-any", 0.1)
    assert publisher.texts() == [("display", "ran on the local Runpod · flash-any · 0.10 s")]


def test_a_long_cell_has_a_card_in_one_place_that_ends_as_a_line(publisher: Any, card: JobCard, clock: Clock) -> None:
    card.phase("preflight")
    card.sent(PAID)
    late(card, clock)
    clock.now += 2
    card.phase("running", worker_id="w1")
    clock.now += 5
    card.tick()
    ended(card, worker_id="w1", cost_usd=0.01)
    card.finish("runpod", "trainer", 8.0)
    assert publisher.texts() == [
        ("display", "on Runpod · trainer"),
        ("update", "queue · 1 s · on Runpod · trainer · AMPERE_80 · $3.60 an hour · $0 so far · job fj-2"),
        (
            "update",
            "running · 3 s · on Runpod · trainer · AMPERE_80 · $3.60 an hour · $0 so far · worker w1 · job fj-2",
        ),
        (
            "update",
            "running · 8 s · on Runpod · trainer · AMPERE_80 · $3.60 an hour · $0.0050 so far · worker w1 · job fj-2",
        ),
        ("update", "ran on Runpod · trainer · worker w1 · 8.0 s · $0.0100"),
    ]
    assert len({display_id for _, _, display_id in publisher.shown}) == 1


def test_the_clock_goes_on_once_a_second(publisher: Any, card: JobCard, clock: Clock) -> None:
    card.phase("provisioning", "making endpoint trainer")
    late(card, clock)
    for _ in range(32):
        clock.now += 0.0625
        card.tick()
    assert [text for _, text in publisher.texts()] == [
        f"provisioning · {seconds} s · making endpoint trainer" for seconds in (1, 2, 3)
    ]


def test_the_card_says_how_to_cancel_and_why_it_waits(publisher: Any, card: JobCard, clock: Clock) -> None:
    card.sent(LOCAL)
    late(card, clock)
    card.waiting("no GPU is free in EU-RO-1", "try gpu=ADA_24")
    assert publisher.texts()[-1] == (
        "update",
        "queue · 1 s · on the local Runpod · flash-any · free · job fj-1 · no GPU is free in EU-RO-1 · try gpu=ADA_24",
    )
    assert "how to cancel" in publisher.bundles[-1][0]["text/html"]


def test_a_job_that_lasts_has_a_button_until_it_is_over(publisher: Any, clock: Clock) -> None:
    card = JobCard(publisher, has_button=True, appear_after_s=1, clock=clock)
    card.sent(LOCAL)
    late(card, clock)
    assert JOB_VIEW not in publisher.bundles[-1][0]
    late(card, clock)
    assert publisher.bundles[-1][0][JOB_VIEW] == {"job_id": "fj-1"}
    card.finish("local", "flash-any", 3.0)
    assert JOB_VIEW not in publisher.bundles[-1][0]


def test_the_end_has_what_each_phase_took_and_cost(publisher: Any, card: JobCard, clock: Clock) -> None:
    card.sent(PAID)
    late(card, clock)
    card.phase("running")
    clock.now += 9
    ended(card, worker_id="w1", delay_ms=3000, execution_ms=7000, cost_usd=0.007, phases_s={"running": 6.9})
    card.finish("runpod", "trainer", 10.0)
    table = publisher.bundles[-1][0]["text/html"].partition("<tbody>")[2]
    assert re.findall(r">([^<>]+)</td>", table) == ["queue", "3.0 s", "running", "7.0 s", "$0.0070"]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("failed", "failed after 4.0 s"),
        ("interrupted", "interrupted after 4.0 s"),
        ("cancelled in the queue, nothing ran", "cancelled in the queue after 4.0 s, nothing ran"),
    ],
)
def test_how_else_it_ends_replaces_what_is_shown(
    how: str, said: str, publisher: Any, card: JobCard, clock: Clock
) -> None:
    card.sent(PAID)
    late(card, clock)
    card.phase("running", worker_id="w1")
    clock.now += 3
    ended(card, cost_usd=0.004)
    card.fail(how)
    assert publisher.texts()[-1] == ("update", f"{said} · on Runpod · trainer · worker w1 · $0.0040")


def test_a_quick_failure_shows_nothing_beside_the_error(publisher: Any, card: JobCard) -> None:
    card.phase("preflight")
    card.fail("failed")
    assert publisher.texts() == []


def test_nothing_is_shown_after_the_end(publisher: Any, card: JobCard, clock: Clock) -> None:
    card.sent(LOCAL)
    card.finish("local", "flash-any", 0.1)
    late(card, clock)
    assert publisher.texts() == [("display", "on the local Runpod · flash-any")]


def test_after_clear_output_the_end_is_shown_anew(publisher: Any, card: JobCard, clock: Clock) -> None:
    card.sent(LOCAL)
    late(card, clock)
    card.cleared()
    card.finish("local", "flash-any", 1.5)
    assert publisher.texts()[-1] == ("display", "ran on the local Runpod · flash-any · 1.5 s")


def test_a_terminal_gets_a_few_lines(publisher: Any, clock: Clock) -> None:
    card = JobCard(publisher, page="lines", appear_after_s=1, clock=clock)
    card.sent(LOCAL)
    late(card, clock)
    for detail in ("1 worker starting", "2 workers starting"):
        card.phase("starting", detail)
    card.phase("running", worker_id="w1")
    for _ in range(100):
        late(card, clock)
    card.finish("local", "flash-any", 101.0)
    assert publisher.texts() == [
        ("display", "starting · 1 worker starting"),
        ("display", "running"),
        ("display", "ran on the local Runpod · flash-any · worker w1 · 1 min 41 s"),
    ]


def test_a_short_cell_in_a_terminal_gets_one_line(publisher: Any, clock: Clock) -> None:
    card = JobCard(publisher, page="lines", appear_after_s=1, clock=clock)
    card.sent(LOCAL)
    card.finish("local", "flash-any", 0.1)
    assert publisher.texts() == [("display", "ran on the local Runpod · flash-any · 0.10 s")]


def test_what_is_recorded_has_the_end_only(publisher: Any, clock: Clock) -> None:
    card = JobCard(publisher, page="recorded", appear_after_s=1, clock=clock)
    card.sent(LOCAL)
    late(card, clock)
    card.phase("running")
    card.finish("local", "flash-any", 1.0)
    assert publisher.texts() == [("display", "ran on the local Runpod · flash-any · 1.0 s")]


def test_the_ticker_lets_it_appear_while_the_main_thread_waits(publisher: Any) -> None:
    pause = threading.Event()
    with JobCard(publisher, appear_after_s=0.01) as card:
        card.phase("provisioning")
        for _ in range(500):
            if publisher.shown:
                break
            pause.wait(0.01)
    TICKER.stop()
    assert publisher.texts() == [("display", "provisioning · 0 s")]
