"""The Cancel button: hidden until a frontend's word of it is heard, gone when the job is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import pytest

from flash_jupyter.views.cancel import NOTHING, TEXT, WIDGET_VIEW, CancelButton


class Seen:
    """A button under test, and what it did."""

    def __init__(self, publisher: Any) -> None:
        self.publisher = publisher
        self.cancelled = self.changed = 0
        self.button = CancelButton(publisher, cancel=self._cancel, on_change=self._change)

    def _cancel(self) -> None:
        self.cancelled += 1

    def _change(self) -> None:
        self.changed += 1

    def sent(self) -> Any:
        """Wait until the button is sent, and return its widget."""
        wait_until(lambda: bool(self.publisher.bundles) and WIDGET_VIEW in self.publisher.bundles[-1][0])
        model_id = self.publisher.bundles[-1][0][WIDGET_VIEW]["model_id"]
        return ipywidgets.widgets.widget._instances[model_id]


def wait_until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if holds():
            return
        pause.wait(0.01)
    pytest.fail("it never was so")


@pytest.fixture
def seen(publisher: Any) -> Iterator[Seen]:
    seen = Seen(publisher)
    yield seen
    seen.button.close()


def test_it_is_hidden_until_its_view_is_told_of(seen: Seen) -> None:
    seen.button.start()
    widget = seen.sent()
    assert widget.layout.display == "none"
    widget._view_count = 1
    assert widget.layout.display == ""
    assert seen.button.is_heard
    assert seen.changed == 1


def test_one_click_cancels_once(seen: Seen) -> None:
    seen.button.start()
    widget = seen.sent()
    widget._view_count = 1
    widget.click()
    widget.click()
    assert seen.cancelled == 1
    assert seen.button.is_clicked
    assert (widget.disabled, widget.description) == (True, "Cancelling")


def test_at_the_end_its_display_is_empty_and_a_late_click_does_nothing(seen: Seen) -> None:
    seen.button.start()
    widget = seen.sent()
    seen.button.close()
    data, _ = seen.publisher.bundles[-1]
    assert data == NOTHING
    assert len({display_id for _, _, display_id in seen.publisher.shown}) == 1
    widget.click()
    assert seen.cancelled == 0


def test_what_draws_no_widgets_shows_a_text(seen: Seen) -> None:
    seen.button.start()
    seen.sent()
    assert seen.publisher.texts() == [("display", TEXT)]


def test_after_clear_output_it_is_sent_again_if_it_was_heard(seen: Seen) -> None:
    seen.button.start()
    widget = seen.sent()
    seen.button.again()
    assert seen.publisher.texts() == [("display", TEXT)]
    widget._view_count = 1
    seen.button.again()
    assert seen.publisher.texts() == [("display", TEXT)] * 2


def test_a_job_that_is_over_before_it_is_made_never_has_one(seen: Seen) -> None:
    seen.button.start()
    seen.button.close()
    wait_until(lambda: not any(thread.name == "flash-cancel" for thread in threading.enumerate()))
    assert seen.publisher.shown == []
