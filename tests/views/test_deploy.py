"""What is shown of apps, plans and results; whole texts."""

from __future__ import annotations

import io
from datetime import datetime, timezone
from typing import Any

from rich.console import Console

from flash_jupyter.cli.terminal import print_sheet
from flash_jupyter.views.deploy import (
    app_sheet,
    environment_sheet,
    inventory_sheet,
    plan_sheet,
    removed_sheet,
    result_sheet,
)
from flash_jupyter.views.progress import News, Step, progress_bundle
from flash_jupyter.views.sheet import Sheet, sheet_bundle, sheet_text

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
PLAN: list[dict[str, Any]] = [
    {"action": "create", "name": "web", "endpoint_id": None, "changes": []},
    {
        "action": "update",
        "name": "ocr",
        "endpoint_id": "e1",
        "changes": [
            {"field": "workers.max", "before": 1, "after": 3},
            {"field": "gpu", "before": ["ADA_24"], "after": ["ADA_24", "AMPERE_80"]},
        ],
    },
    {"action": "delete", "name": "old", "endpoint_id": "e3", "changes": []},
    {"action": "keep", "name": "score", "endpoint_id": "e4", "changes": []},
]
RESULT: dict[str, Any] = {
    "app": "shop",
    "environment": "live",
    "build_id": "b7",
    "endpoints": [
        {"name": "ocr", "endpoint_id": "e1", "url": "https://r.test/v2/e1", "state": "verified", "reason": ""},
        {
            "name": "web",
            "endpoint_id": "e2",
            "url": "https://e2.r.test",
            "state": "listed, not verified",
            "reason": "--no-smoke",
        },
    ],
}


def terminal(sheet: Sheet, width: int) -> str:
    file = io.StringIO()
    print_sheet(sheet, Console(file=file, force_terminal=True, width=width, color_system=None))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_a_plan_has_a_row_for_each_field_that_changes() -> None:
    assert sheet_text(plan_sheet(PLAN, "shop/live")) == (
        "plan for shop/live: 1 to create, 1 to update, 1 to delete\n"
        "plan    endpoint  field        is      will be\n"
        "create  web\n"
        "update  ocr       workers.max  1       3\n"
        "                  gpu          ADA_24  ADA_24, AMPERE_80\n"
        "delete  old\n"
        "unchanged: score"
    )


def test_a_plan_that_changes_nothing_says_so() -> None:
    assert plan_sheet(PLAN[3:], "shop/live") == ["plan for shop/live: nothing to change", "unchanged: score"]


def test_the_tick_is_for_what_was_verified_only() -> None:
    assert sheet_text(result_sheet(RESULT)) == (
        "shop/live runs build b7\n"
        "   endpoint  state                 url                   why\n"
        "✓  ocr       verified              https://r.test/v2/e1\n"
        "○  web       listed, not verified  https://e2.r.test     --no-smoke"
    )


def test_in_a_narrow_terminal_urls_stand_whole_below_the_table() -> None:
    assert terminal(result_sheet(RESULT), 120) == sheet_text(result_sheet(RESULT))
    assert terminal(result_sheet(RESULT), 60) == (
        "shop/live runs build b7\n"
        "   endpoint  state                 why\n"
        "✓  ocr       verified\n"
        "○  web       listed, not verified  --no-smoke\n"
        "ocr: https://r.test/v2/e1\n"
        "web: https://e2.r.test"
    )


def test_a_very_narrow_terminal_gets_no_line_that_is_too_long() -> None:
    drawn = terminal(result_sheet(RESULT), 30)
    assert max(map(len, drawn.splitlines())) <= 30
    assert "ocr: https://r.test/v2/e1\n" in drawn


def test_html_is_escaped_and_shows_urls_whole() -> None:
    url = f"https://{'a' * 60}.r.test"
    endpoint = {"name": "<b>", "endpoint_id": "e", "url": url, "state": "verified", "reason": ""}
    drawn = sheet_bundle(result_sheet({**RESULT, "endpoints": [endpoint]}))["text/html"]
    assert f">{url}</td>" in drawn
    assert "&lt;b&gt;" in drawn
    assert "<b>" not in drawn
    assert sheet_bundle(["one line"])["text/html"] == '<div style="font-size:90%;opacity:.75">one line</div>'


def test_an_environment_tells_an_endpoint_that_runs_another_build() -> None:
    endpoint = {"kind": "queue", "hardware": "ADA_24", "state": "asleep", "url": "u"}
    view = {
        "app": "shop",
        "name": "live",
        "state": "HEALTHY",
        "build_id": "b7",
        "created_at": "2026-11-22T11:00:00Z",
        "endpoints": [
            {**endpoint, "name": "ocr", "id": "e1", "build_id": "b7"},
            {**endpoint, "name": "web", "id": "e2", "build_id": "b6"},
        ],
        "volumes": [{"name": "models", "id": "v1"}],
        "before": ["b6", "b5"],
    }
    assert sheet_text(environment_sheet(view, NOW)) == (
        "shop/live: HEALTHY · runs build b7 · 2 endpoints · made 1 h ago\n"
        "endpoint  kind   hardware  state   id  build  url\n"
        "ocr       queue  ADA_24    asleep  e1         u\n"
        "web       queue  ADA_24    asleep  e2  b6     u\n"
        "network volumes: models (v1)\n"
        "`flash deploy rollback live` goes back to build b6"
    )


def test_an_app_lists_its_builds_with_where_they_run() -> None:
    environment = {
        "name": "live",
        "id": "n1",
        "state": "HEALTHY",
        "build_id": "b7",
        "created_at": "2026-11-22T11:00:00Z",
        "endpoints": 2,
    }
    builds = [
        {"id": "b7", "created_at": "2026-11-22T11:58:00Z", "runs_in": ["live"]},
        {"id": "b6", "created_at": "2026-11-21T12:00:00Z", "runs_in": []},
    ]
    assert sheet_text(app_sheet({"name": "shop", "environments": [environment], "builds": builds}, NOW)) == (
        "app shop\n"
        "environment  state    endpoints  runs build  age\n"
        "live         HEALTHY  2          b7          1 h\n"
        "build  age    runs in\n"
        "b7     2 min  live\n"
        "b6     1 day"
    )


def test_before_a_deletion_it_is_shown_what_goes_and_what_stays() -> None:
    left = {"kind": "volume", "name": "models", "id": "v1", "why": "used by web", "usd_per_month": 7.0}
    inventory = {"items": [{"kind": "endpoint", "name": "ocr", "id": "e1"}], "left": [left]}
    assert sheet_text(inventory_sheet(inventory, "environment live of app shop")) == (
        "environment live of app shop:\n"
        "         what      name    why          a month\n"
        "deletes  endpoint  ocr\n"
        "keeps    volume    models  used by web  $7.00"
    )


def test_after_a_deletion_it_is_told_what_is_left_and_what_that_costs() -> None:
    volume = {"kind": "volume", "name": "models", "id": "v1", "why": "used by web", "usd_per_month": 7.0}
    build = {"kind": "build", "name": "b7", "id": "b7", "why": "goes with its app", "usd_per_month": None}
    removed = {
        "app": "shop",
        "environments": ["live"],
        "is_app": False,
        "deleted": [{"kind": "endpoint", "name": name, "id": name} for name in ("ocr", "web")],
        "left": [volume, build],
        "left_usd_per_month": 7.0,
    }
    assert sheet_text(removed_sheet(removed)) == (
        "deleted: environment live of app shop, with 2 endpoints\n"
        "      what    name    why                a month\n"
        "left  volume  models  used by web        $7.00\n"
        "left  build   b7      goes with its app\n"
        "what is left costs $7.00 a month, until it is deleted"
    )


def test_the_card_has_steps_with_times_and_a_bar_for_what_is_counted() -> None:
    steps = [Step("upload", 1.5), Step("apply")]
    drawn = progress_bundle("sending <shop>", steps, News("apply", "making ocr", 1, 3))
    assert drawn["text/plain"] == "sending <shop> · making ocr · 1 of 3 endpoints"
    assert "sending &lt;shop&gt;" in drawn["text/html"]
    assert '<progress value="1" max="3"' in drawn["text/html"]
    over = progress_bundle("shop", [Step("upload", 1.5), Step("apply", 2.0)], None)
    assert over["text/plain"] == "shop · took upload 1.5 s · roll-out 2.0 s"
    assert "<progress" not in over["text/html"]
