"""Need 13: a click on Cancel during a blocking cell cancels within seconds, or there is no button and words instead."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from foreign import released
from frontend import Frontend

from flash_jupyter.views.cancel import NOTHING

pytestmark = pytest.mark.journey

ROOT = Path(__file__).resolve().parents[2]
LONG = "%%remote\nimport time\nprint('begun', flush=True)\nfor _ in range(600): time.sleep(0.1)"
WORDS = "to cancel, interrupt the kernel (■)"


def card_of(page: Frontend) -> str:
    """The card as it stands now."""
    return next((data["text/html"] for data in page.displays.values() if "text/html" in data), "")


def cancel_by_click(notebook: Any) -> None:
    page = Frontend(notebook.client)
    page.make_subshell()
    page.execute(LONG)
    page.until(lambda: bool(page.view))
    assert not page.is_button_visible
    assert WORDS in card_of(page)
    page.say_drawn()
    page.until(lambda: page.is_button_visible and WORDS not in card_of(page))
    clicked_at = time.monotonic()
    page.click()
    page.until(lambda: page.is_idle)
    assert time.monotonic() - clicked_at < 15  # 5 s, on a machine that is not busy
    assert page.error.startswith("JobError: the job was cancelled")
    assert page.shown[-2].startswith("cancelled after ")
    assert NOTHING in page.displays.values()
    assert page.view == ""
    assert page.comms == {}
    assert notebook.ok("%%remote\n6 * 7").result == "42"


def no_button_but_words(notebook: Any, page: Frontend) -> None:
    page.execute(LONG)
    page.until(lambda: WORDS in card_of(page))
    seen_at = time.monotonic()
    page.until(lambda: time.monotonic() > seen_at + 4)
    assert page.comms == {}
    assert page.view == ""
    notebook.interrupt()
    page.until(lambda: page.is_idle)
    assert page.error.startswith("KeyboardInterrupt")


def test_need_13_a_click_cancels(notebook: Any) -> None:
    cancel_by_click(notebook)


def test_need_13_no_button_where_the_frontend_does_not_say_that_it_hears(notebook: Any) -> None:
    no_button_but_words(notebook, Frontend(notebook.client, subshells=False))


def test_need_13_a_button_that_nobody_draws_goes_away(notebook: Any) -> None:
    page = Frontend(notebook.client)
    page.execute(LONG)
    page.until(lambda: bool(page.view))
    page.until(lambda: not page.view)
    assert WORDS in card_of(page)
    notebook.interrupt()
    page.until(lambda: page.is_idle)
    assert page.comms == {}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["7.2.0", "7.3.0"])
def test_need_13_a_click_cancels_on_older_kernels(version: str, shared_desk: Any) -> None:
    python = released(f"ipykernel=={version}", "-e", str(ROOT))
    cancel_by_click(shared_desk.open(python=python))


@pytest.mark.slow
def test_need_13_ipykernel_6_has_no_button_but_words(shared_desk: Any) -> None:
    notebook = shared_desk.open(python=released("ipykernel==6.31.0", "-e", str(ROOT)))
    no_button_but_words(notebook, Frontend(notebook.client))
