"""The panel as every frontend can draw it: pure, its whole text is compared; and what nbconvert makes of it."""

from __future__ import annotations

import pytest
from listed import endpoint, job, overview

from flash_jupyter.views.controls import WIDGET_VIEW, fallback
from flash_jupyter.views.panel import GUARD, panel_bundle
from flash_jupyter.views.sheet import STYLE


def test_without_endpoints_and_jobs_it_is_two_lines() -> None:
    assert panel_bundle(overview()) == {
        "text/plain": "the local Runpod · owner ann · 2026-11-22 12:00:03 UTC\n\nno endpoints",
        "text/html": (
            f'{STYLE}{GUARD}<div class="flash-panel"><div class="flash-head">the local Runpod · owner ann · '
            '2026-11-22 12:00:03 UTC</div><div style="white-space:pre-wrap">no endpoints</div></div>'
        ),
    }


def test_endpoints_and_jobs_stand_under_the_line_that_counts_them() -> None:
    shown = panel_bundle(
        overview(
            backend="runpod",
            endpoints=[endpoint()],
            jobs=[job(id="fj-2", state="IN_PROGRESS", finished_at=None, cost_usd=None), job()],
        )
    )
    assert shown["text/plain"] == (
        "Runpod · owner ann · 1 endpoint · 1 open job · 2026-11-22 12:00:03 UTC\n"
        "\n"
        "endpoint  state    hardware  workers            queue                a worker  age  notebook     whose\n"
        "trainer   running  ADA_24    1 running, 1 idle  2 queued, 1 running  $1.12/h   2 h  train.ipynb  yours\n"
        "\n"
        "job   state        endpoint  what         sent     took        cost\n"
        "fj-2  IN_PROGRESS  trainer   train.ipynb  1 h ago\n"
        "fj-1  COMPLETED    trainer   train.ipynb  1 h ago  3 min 20 s  $0.0142"
    )
    assert shown["text/html"].count("<table>") == 2
    assert shown["text/html"].count("<style>") == 2


def test_open_jobs_come_first_and_old_ones_are_counted() -> None:
    jobs = [job(id=f"fj-{number}") for number in range(10)] + [job(id="fj-open", state="IN_QUEUE", finished_at=None)]
    lines = panel_bundle(overview(jobs=jobs))["text/plain"].splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("fj-")]
    assert listed == ["fj-open", *(f"fj-{number}" for number in range(7))]
    assert lines[-1] == "3 older jobs: %flash jobs"


def test_the_buttons_never_stand_in_the_output_of_the_panel() -> None:
    assert set(panel_bundle(overview())) == set(fallback()) == {"text/plain", "text/html"}


def test_nbconvert_shows_the_panel_and_a_line_for_the_buttons() -> None:
    nbconvert = pytest.importorskip("nbconvert")
    nbformat = pytest.importorskip("nbformat").v4
    bundles = [panel_bundle(overview(endpoints=[endpoint()])), {**fallback(), WIDGET_VIEW: {"model_id": "gone"}}]
    outputs = [nbformat.new_output("display_data", data=bundle) for bundle in bundles]
    notebook = nbformat.new_notebook(cells=[nbformat.new_code_cell("%flash", outputs=outputs)])
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    assert "trainer" in page
    assert fallback()["text/html"] in page
    for broken in ("Loading widget", "Error displaying widget", "model_id"):
        assert broken not in page
