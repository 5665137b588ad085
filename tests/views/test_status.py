"""The status line: one publish for a short cell, phases for a long one, and always an end."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from flash_jupyter.views.status import PLACES, StatusLine, one_line


def wait_for(publisher: Any, count: int) -> None:
    pause = threading.Event()
    for _ in range(500):
        if len(publisher.shown) >= count:
            return
        pause.wait(0.01)
    pytest.fail(f"{count} publishes expected, seen {publisher.shown}")


def test_a_short_cell_publishes_once(publisher: Any) -> None:
    with StatusLine(publisher, appear_after_s=60) as status:
        status.phase("queued")
        status.phase("running")
        status.finish("ran")
    assert publisher.texts() == [("display", "ran")]


def test_a_short_cell_that_was_sent_publishes_where_it_runs_and_no_more(publisher: Any) -> None:
    with StatusLine(publisher, appear_after_s=60) as status:
        status.sent("on the local Runpod")
        status.phase("running")
        status.finish("ran", always=False)
    assert publisher.texts() == [("display", "on the local Runpod")]


def test_the_same_line_is_not_published_again(publisher: Any) -> None:
    with StatusLine(publisher, appear_after_s=0) as status:
        status.sent("on the local Runpod")
        status.tick()
        status.phase("running")
    assert publisher.texts() == [("display", "on the local Runpod"), ("update", "running")]


def test_what_a_short_cell_cost_is_shown_all_the_same(publisher: Any) -> None:
    with StatusLine(publisher, appear_after_s=60) as status:
        status.sent("on Runpod")
        status.finish("ran on Runpod · $0.01", always=True)
    assert publisher.texts() == [("display", "on Runpod"), ("update", "ran on Runpod · $0.01")]


def test_a_long_cell_shows_its_phases_in_one_place(publisher: Any) -> None:
    with StatusLine(publisher, appear_after_s=0.01) as status:
        status.phase("queued")
        wait_for(publisher, 1)
        status.phase("running", "w1")
        status.finish("ran")
    assert publisher.texts() == [("display", "queued"), ("update", "running · w1"), ("update", "ran")]
    assert len({display_id for _, _, display_id in publisher.shown}) == 1


def test_a_failure_replaces_what_is_shown(publisher: Any) -> None:
    with StatusLine(publisher, appear_after_s=0.01) as status:
        status.phase("running")
        wait_for(publisher, 1)
        status.fail("failed after 2 s")
    assert publisher.texts() == [("display", "running"), ("update", "failed after 2 s")]


def test_a_quick_failure_shows_nothing_beside_the_error(publisher: Any) -> None:
    with StatusLine(publisher, appear_after_s=60) as status:
        status.phase("queued")
        status.fail("failed")
    assert publisher.texts() == []


def test_after_clear_output_the_line_is_shown_anew(publisher: Any) -> None:
    with StatusLine(publisher, appear_after_s=0.01) as status:
        status.phase("running")
        wait_for(publisher, 1)
        status.cleared()
        status.finish("ran")
    assert publisher.texts() == [("display", "running"), ("display", "ran")]


def test_html_is_escaped_and_has_no_colour() -> None:
    text = one_line("<script>")["text/html"]
    assert "&lt;script&gt;" in text
    assert "color" not in text


def test_every_backend_has_a_name() -> None:
    assert set(PLACES) == {"local", "runpod"}
