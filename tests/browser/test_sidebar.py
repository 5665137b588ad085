"""The sidebar in JupyterLab: it follows what notebooks do, takes away what runs, and says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lab import Lab
from lab_server import JupyterServer
from looks import assert_readable
from sidebar import Sidebar

pytestmark = pytest.mark.browser

LONG = "import time\nprint('begun', flush=True)\ntime.sleep(600)"
TROUBLE = {"type": "EmulatorError", "message": "the disk is full", "fix": "make room", "status": 500}
#: of the page, as README shows it: the sidebar and the cell beside it
CORNER = {"x": 0, "y": 0, "width": 1080, "height": 640}
API = "**/flash-jupyter/api/**"


def test_what_a_cell_starts_is_seen_cancelled_and_taken_away(lab: Lab, pictures: Path) -> None:
    sidebar = Sidebar(lab)
    cell = lab.run(f"%%remote name=night-run\n{LONG}")
    sidebar.endpoint("night-run").get_by_text("workers: 1 running").wait_for()
    sidebar.job("night-run").get_by_text("running").wait_for()
    cell.output.get_by_role("button", name="Cancel").wait_for()
    for theme in ("light", "dark"):
        lab.theme(theme)
        assert_readable(sidebar.panel)
        assert_readable(cell.card)
        lab.page.screenshot(path=pictures / f"sidebar-{theme}.png", clip=CORNER)
    sidebar.button("Logs of night-run (").click()
    log = lab.page.locator(".jp-flash-Log")
    log.get_by_text("begun").wait_for()

    sidebar.button("Cancel night-run").click()
    sidebar.job("night-run").get_by_text("cancelled", exact=True).wait_for()
    sidebar.endpoint("night-run").get_by_text("workers: 0").wait_for()
    log.get_by_text("over: cancelled").wait_for()
    cell.wait()
    lab.page.screenshot(path=pictures / "sidebar-cancelled.png")

    sidebar.undeploy("night-run")
    lab.page.get_by_text("deleted: night-run").wait_for()
    lab.page.screenshot(path=pictures / "sidebar-deleted.png")
    lab.page.get_by_role("tab", name="Log: night-run").locator(".lm-TabBar-tabCloseIcon").click()
    log.wait_for(state="detached")


@pytest.mark.slow
def test_a_result_is_fetched_into_the_notebook_that_is_open(lab: Lab) -> None:
    lab.ok("%%remote name=fetched --detach\nanswer = 6 * 7\nanswer")
    sidebar = Sidebar(lab)
    sidebar.job("fetched").get_by_text("completed").wait_for()
    sidebar.button("Attach to fetched").click()
    lab.page.get_by_text("%flash attach fj-").first.wait_for()
    lab.last_cell.wait_for("42")
    assert not lab.last_cell.failed
    sidebar.undeploy("fetched")


@pytest.mark.slow
def test_a_queue_is_purged_and_all_of_mine_is_taken_away_at_once(lab: Lab) -> None:
    sidebar = Sidebar(lab)
    for _ in range(2):
        lab.ok(f"%%remote name=crowded workers=1 --detach\n{LONG}")
    sidebar.button("Purge the queue of crowded").click()
    sidebar.answer("Purge the queue of crowded?", "Purge")
    lab.page.get_by_text("crowded: 1 job taken out of the queue").wait_for()
    sidebar.button("Purge the queue of crowded").wait_for(state="detached")
    sidebar.job("crowded").get_by_text("cancelled", exact=True).wait_for()
    sidebar.endpoint("crowded").get_by_text("workers: 1 running").wait_for()

    sidebar.button("Undeploy all of mine: Embedded Runpod").click()
    sidebar.answer("Undeploy all of yours: Embedded Runpod?", "Undeploy all")
    lab.page.get_by_text("deleted: ").wait_for()
    sidebar.endpoint("crowded").wait_for(state="detached")


@pytest.mark.slow
def test_a_notebook_is_opened_from_what_it_made(lab: Lab) -> None:
    sidebar, notebook = Sidebar(lab), lab.notebook
    lab.ok("%%remote name=made-here\n1")
    lab.save()
    lab.close_notebook()
    sidebar.endpoint("made-here").get_by_role("button", name=notebook).click()
    lab.wait_for_kernel()
    assert lab.notebook == notebook
    sidebar.undeploy("made-here")


@pytest.mark.slow
def test_the_embedded_runpod_is_stopped_and_started(lab: Lab) -> None:
    lab.ok("%%remote name=before-the-stop\n1")
    sidebar = Sidebar(lab)
    sidebar.endpoint("before-the-stop").wait_for()
    lab.command("flash-jupyter:stopLocal")
    sidebar.answer("Stop the embedded Runpod?", "Stop")
    lab.page.get_by_text("the embedded Runpod is stopped").wait_for()
    sidebar.button("Start it now").click()
    lab.page.get_by_text("the embedded Runpod runs").wait_for()
    sidebar.endpoint("before-the-stop").wait_for()
    sidebar.undeploy("before-the-stop")


@pytest.mark.slow
def test_two_tabs_show_the_same(open_lab: Callable[..., Lab]) -> None:
    here, there = open_lab(), open_lab()
    seen_here, seen_there = Sidebar(here), Sidebar(there)
    here.ok("%load_ext flash_jupyter")
    here.ok("%%remote name=seen-twice\n1")
    seen_here.endpoint("seen-twice").wait_for()
    seen_there.endpoint("seen-twice").wait_for()
    seen_there.undeploy("seen-twice")
    seen_here.endpoint("seen-twice").wait_for(state="detached")


@pytest.mark.slow
def test_a_server_that_answers_500_is_told_and_forgotten(lab: Lab, pictures: Path) -> None:
    sidebar = Sidebar(lab)
    sidebar.wait_for("an hour")
    lab.page.route(API, lambda route: route.fulfill(status=500, body=json.dumps(TROUBLE)))
    sidebar.button("Look again").click()
    for text in ("The server reports an error", "the disk is full", "make room", "Below is what was last seen"):
        sidebar.wait_for(text)
    lab.page.locator(".jp-flash-Status").get_by_text("no answer").wait_for()
    lab.page.screenshot(path=pictures / "sidebar-500.png")
    lab.page.unroute(API)
    sidebar.button("Try again").click()
    sidebar.panel.get_by_role("alert").wait_for(state="detached")
    lab.errors[:] = [error for error in lab.errors if "/flash-jupyter/api/" not in error]


@pytest.mark.slow
def test_money_of_days_is_drawn(open_lab: Callable[..., Lab], pictures: Path) -> None:
    """The embedded Runpod charges nothing: the bill is one that the test says. A tab of its own, for it loads anew."""
    lab = open_lab()
    days = [{"date": f"2026-11-{day:02}", "usd": day / 10} for day in range(1, 15)]
    bill = {"endpoints": [], "days": 14, "today_usd": 1.4, "days_usd": 10.5, "is_charged": True, "by_day": days}
    costs = {"days": 14, "backends": [{"name": "runpod", "state": "ready", "error": None, "bill": bill}]}
    lab.page.route("**/flash-jupyter/api/costs**", lambda route: route.fulfill(json=costs))
    lab.page.reload()
    lab.wait_for_kernel()
    sidebar = Sidebar(lab)
    sidebar.wait_for("billed today $1.40, in 14 days $10.50")
    chart = sidebar.panel.get_by_role("img", name="Cost per day: Nov 1: $0.10; Nov 2: $0.20")
    chart.wait_for()
    assert chart.locator(".jp-flash-Chart-charged").count() == 14
    for theme in ("light", "dark"):
        lab.theme(theme)
        lab.page.screenshot(path=pictures / f"sidebar-cost-{theme}.png")


@pytest.mark.slow
def test_the_keyboard_reaches_every_button_and_stays_where_one_is_taken_away(lab: Lab) -> None:
    lab.ok("%%remote name=by-keyboard\n1")
    sidebar = Sidebar(lab)
    sidebar.endpoint("by-keyboard").wait_for()
    sidebar.button("Look again").focus()
    labels = press_until(lab, "Tab", "Undeploy by-keyboard")
    assert "Logs of by-keyboard" in labels
    with lab.page.expect_response("**/flash-jupyter/api/endpoints*"):
        pass  # the lists are renewed
    assert focused(lab) == "Undeploy by-keyboard"
    dialog = press_enter(lab)
    lab.page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    lab.page.wait_for_function("() => document.activeElement.ariaLabel === 'Undeploy by-keyboard'")
    press_enter(lab)
    press_until(lab, "Tab", "Undeploy")
    lab.page.keyboard.press("Enter")
    sidebar.endpoint("by-keyboard").wait_for(state="detached")
    lab.page.wait_for_function("() => document.activeElement.closest('#flash-jupyter-sidebar button')")


def press_enter(lab: Lab) -> Any:
    """Press the button that has the focus; gives the question that it asks, when that hears the keyboard."""
    lab.page.keyboard.press("Enter")
    dialog = lab.page.get_by_role("dialog")
    dialog.get_by_text("Undeploy by-keyboard?").wait_for()
    lab.page.wait_for_function("() => document.activeElement?.closest('.jp-Dialog')")
    return dialog


def focused(lab: Lab) -> str:
    """What a screen reader says of the element that hears the keyboard."""
    return str(lab.page.evaluate("() => document.activeElement.ariaLabel ?? document.activeElement.innerText"))


def press_until(lab: Lab, key: str, label: str) -> list[str]:
    """Press a key until an element of this name has the focus; gives what had it on the way, which is not endless."""
    buttons = lab.page.get_by_role("button").count()
    labels: list[str] = []
    while label not in labels:
        assert len(labels) < 2 * buttons + 20, labels
        lab.page.evaluate("() => { window.before = document.activeElement }")
        lab.page.keyboard.press(key)
        lab.page.wait_for_function("() => document.activeElement !== window.before")  # a busy page takes its time
        labels.append(focused(lab))
    return labels


@pytest.mark.slow
def test_a_server_that_is_started_again_is_found_by_the_page(
    browser: Any, tmp_path: Path, keep: Callable[..., None]
) -> None:
    with JupyterServer(tmp_path / "home") as server:
        lab = Lab(browser.new_page(), server)
        try:
            lab.open(server.write_notebook("again.ipynb"))
            sidebar = Sidebar(lab)
            sidebar.wait_for("an hour")
            server.stop()
            sidebar.wait_for("Offline")
            keep(lab, 1)
            server.start()
            sidebar.panel.get_by_role("alert").wait_for(state="detached", timeout=180_000)
            sidebar.wait_for("an hour")
            keep(lab)
        finally:
            lab.page.close()
