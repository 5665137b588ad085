"""The card of `%flash build`, whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flash_jupyter.views.build import Source, built_bundle, describe, failed_bundle
from flash_jupyter.views.progress import News, Step, progress_bundle

BUILT: dict[str, Any] = {
    "project": "shop",
    "python": "3.11",
    "archive": "/w/.flash/artifact.tar.gz",
    "size_bytes": 45_000,
    "resources": {"<numbers>": {"kind": "queue", "hardware": "cpu3g-2-8", "serves": ["double"]}},
    "notes": ["torch is left out: the image has it"],
}
STEPS = [Step("reading nb.ipynb", 0.051), Step("packages for Python 3.11", 4.25)]


def test_a_build_that_runs_says_at_what_it_is() -> None:
    title, now = f"building {describe(Source('nb.ipynb', 125))}", "packages for Python 3.11"
    drawn = progress_bundle(title, [STEPS[0], Step(now)], News(now, now))
    assert drawn["text/plain"] == "building nb.ipynb as saved 2 min ago · packages for Python 3.11"
    assert "reading nb.ipynb 0.05 s</span>" in drawn["text/html"]
    assert "<strong>packages for Python 3.11</strong>" in drawn["text/html"]


def test_a_build_that_is_over_says_what_was_built_from_what_and_what_comes_next() -> None:
    assert built_bundle(BUILT, STEPS, Source("nb.ipynb", 4), Path("/w"))["text/plain"] == (
        "built shop for Python 3.11: .flash/artifact.tar.gz, 45.0 kB\n"
        "resource   runs as             serves\n"
        "<numbers>  queue on cpu3g-2-8  double\n"
        "torch is left out: the image has it\n"
        "of nb.ipynb as saved 4 s ago; what was changed since then is not in it\n"
        "took reading nb.ipynb 0.05 s · packages for Python 3.11 4.2 s\n"
        "next: %flash run serves it on this machine"
    )


def test_a_folder_has_no_age() -> None:
    text = built_bundle(BUILT, [], Source("shop"), Path("/w"))["text/plain"]
    assert "saved" not in text
    assert "took" not in text


def test_a_build_that_failed_leaves_what_was_there() -> None:
    assert failed_bundle([], Source("shop"))["text/plain"] == (
        "shop was not built: it failed; what was built before is unchanged"
    )


def test_its_html_is_escaped_and_has_no_colours_of_its_own() -> None:
    drawn = [
        progress_bundle("building <i>", [Step("<b>")], News("<b>", "<b>")),
        built_bundle(BUILT, [Step("<b>", 1.0)], Source("<i>", 1), Path("/w")),
        failed_bundle([Step("<b>")], Source("<i>")),
    ]
    for bundle in drawn:
        html = bundle["text/html"].rpartition("</style>")[2]
        assert "<i>" not in html
        assert "&lt;i&gt;" in html
        assert re.search(r"#[0-9a-f]{3,6}\b|rgb", html) is None
