"""The buttons without a frontend: what they offer, and what they say was pressed."""

from __future__ import annotations

from typing import Any

import pytest
from listed import endpoint, job, overview

from flash_jupyter.views.controls import CONTROLS_VIEW, WIDGET_VIEW, Controls, fallback

WAITING = job(id="fj-2", state="IN_QUEUE", finished_at=None, has_result=False)
ENDED = job(id="fj-1", has_result=True)
LOST = job(id="fj-0", state="FAILED", has_result=False)


class Hand:
    """Presses buttons by what is written on them; `acts` is what was told."""

    def __init__(self, **changes: Any) -> None:
        self.acts: list[tuple[str, str]] = []
        self.controls = Controls(lambda action, chosen: self.acts.append((action, chosen)))
        self.controls.show(overview(**changes))

    def buttons(self) -> dict[str, Any]:
        rows = [row for row in self.controls.box.children[:-1] if row.layout.display != "none"]
        widgets = [widget for row in rows for widget in row.children if widget.layout.display != "none"]
        # of the two with the same text the first is the endpoint's
        return {widget.description: widget for widget in reversed(widgets) if hasattr(widget, "click")}

    def press(self, text: str) -> None:
        self.buttons()[text].click()

    @property
    def said(self) -> str:
        return str(self.controls.box.children[-1].value)


@pytest.fixture
def hand() -> Hand:
    mine = [endpoint(), endpoint(name="embedder", id="ep2"), endpoint(name="b", id="ep3", owner="bob", whose="others")]
    return Hand(endpoints=mine, jobs=[WAITING, ENDED, LOST])


def test_with_nothing_to_choose_from_there_is_only_refresh() -> None:
    hand = Hand()
    assert list(hand.buttons()) == ["Refresh"]
    hand.press("Refresh")
    assert hand.acts == [("refresh", "")]


def test_one_endpoint_has_no_button_for_all() -> None:
    assert "Undeploy all" not in Hand(endpoints=[endpoint()]).buttons()


def test_the_first_press_asks_and_the_second_deletes(hand: Hand) -> None:
    hand.press("Undeploy")
    assert hand.acts == []
    assert hand.buttons()["Really delete trainer (yours)?"].button_style == "danger"
    hand.press("Really delete trainer (yours)?")
    assert hand.acts == [("undeploy", "ep1")]
    assert {"Undeploy", "Undeploy all"} < set(hand.buttons())


def test_all_of_yours_asks_too(hand: Hand) -> None:
    hand.press("Undeploy all")
    hand.press("Really delete all 2 of yours?")
    assert hand.acts == [("undeploy-all", "")]


def test_anything_else_takes_the_first_press_back(hand: Hand) -> None:
    hand.press("Undeploy")
    hand.press("Keep")
    hand.press("Undeploy")
    hand.press("Undeploy all")
    assert "Really delete trainer (yours)?" not in hand.buttons()
    hand.press("Refresh")
    assert hand.acts == [("refresh", "")]
    hand.press("Undeploy")
    hand.controls.endpoint.value = "ep3"
    assert "Keep" not in hand.buttons()
    hand.press("Undeploy")
    hand.press("Really delete b (bob's)?")
    assert hand.acts[1:] == [("undeploy", "ep3")]


def test_a_look_in_between_does_not_take_it_back(hand: Hand) -> None:
    hand.press("Undeploy")
    hand.controls.show(overview(endpoints=[endpoint(state="asleep"), endpoint(name="embedder", id="ep2")]))
    assert "Really delete trainer (yours)?" in hand.buttons()


def test_what_was_to_be_deleted_is_gone(hand: Hand) -> None:
    """A look shows another choice in its place: that one was never asked about."""
    hand.press("Undeploy")
    hand.controls.show(overview(endpoints=[endpoint(name="embedder", id="ep2")]))
    assert "Undeploy" in hand.buttons()
    assert hand.acts == []


OFFERED = [
    ("an open job can be cancelled and waited for", "fj-2", {"Attach", "Cancel"}),
    ("one with a result can be brought home", "fj-1", {"Attach"}),
    ("of one without there are only logs", "fj-0", set()),
]


@pytest.mark.parametrize(("chosen", "possible"), [c[1:] for c in OFFERED], ids=[c[0] for c in OFFERED])
def test_only_what_is_possible_can_be_pressed(hand: Hand, chosen: str, possible: set[str]) -> None:
    hand.controls.job.value = chosen
    assert {text for text in ("Attach", "Cancel") if not hand.buttons()[text].disabled} == possible


def test_nothing_can_be_pressed_while_one_is_served(hand: Hand) -> None:
    hand.controls.busy(True)
    assert all(button.disabled for button in hand.buttons().values())
    hand.controls.busy(False)
    assert not hand.buttons()["Undeploy"].disabled


def test_a_choice_stays_when_the_listing_is_new(hand: Hand) -> None:
    hand.controls.endpoint.value = "ep2"
    hand.controls.show(overview(endpoints=[endpoint(name="embedder", id="ep2"), endpoint(name="new", id="ep4")]))
    assert hand.controls.endpoint.value == "ep2"
    hand.controls.show(overview(endpoints=[endpoint(name="new", id="ep4")]))
    assert hand.controls.endpoint.value == "ep4"


def test_what_is_said_can_be_hidden(hand: Hand) -> None:
    hand.controls.say("a < b\n  → do it", is_error=True)
    assert hand.said == (
        '<div style="white-space:pre-wrap;line-height:1.5;color:var(--jp-error-color1, inherit)">'
        "a &lt; b\n  → do it</div>"
    )
    hand.press("Hide")
    assert (hand.said, "Hide" in hand.buttons()) == ("", False)


def test_a_log_is_read_out_without_a_terminal_s_colours(hand: Hand) -> None:
    hand.controls.read_out("worker w1", "\x1b[31m<red>\x1b[0m\n10 %\r20 %\n")
    assert "&lt;red&gt;\n20 %\n</pre>" in hand.said


def test_the_bundle_reads_well_without_widgets(hand: Hand) -> None:
    bundle = hand.controls.bundle()
    assert bundle.pop(WIDGET_VIEW)["model_id"] == hand.controls.box.model_id
    assert bundle.pop(CONTROLS_VIEW) == {"model_id": hand.controls.box.model_id}
    assert bundle == fallback()
    assert not hand.controls.is_shown
    hand.controls.close()
