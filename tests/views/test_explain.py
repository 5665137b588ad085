"""The table of an explanation, whole."""

from __future__ import annotations

from typing import Any

from flash_jupyter.views.explain import explain_sheet
from flash_jupyter.views.sheet import sheet_bundle, sheet_text

DATA: dict[str, Any] = {
    "endpoint": "trainer",
    "backend": "local",
    "hardware": "any GPU",
    "image": "runpod/flash:py3.11-latest",
    "python": "3.11",
    "price_per_hour_usd": None,
    "sent": [
        {"name": "df", "type": "pandas.DataFrame 2 x 1", "size_bytes": 2400, "is_exact": True, "why": "line 2"},
        {"name": "K", "type": "int", "size_bytes": 5, "is_exact": False, "why": "helper reads it"},
    ],
    "size_bytes": 50_000,
    "limit_bytes": 10_485_760,
    "returns": ["y"],
    "changes": ["df"],
    "deps": ["torch", "numpy>=2"],
    "apt": ["ffmpeg"],
    "undeclared": {},
    "env": ["TOKEN"],
    "warnings": ["`a` & <b>"],
    "problems": [{"text": "it is too large", "fix": "drop=df"}],
}
TEXT = """\
would run on the local Runpod · trainer · any GPU · Python 3.11 · costs nothing
sends 2 names; the request takes at most 50.0 kB of 10.5 MB
name  type                    size          why
df    pandas.DataFrame 2 x 1  2.4 kB        line 2
K     int                     at least 5 B  helper reads it
comes back: y, df if it is changed, the value of the last expression
packages: torch, numpy>=2
system packages: ffmpeg
environment, values hidden: TOKEN
note: `a` & <b>
stops: it is too large
  → drop=df
nothing was sent"""


def test_an_explanation_as_text() -> None:
    assert sheet_text(explain_sheet(DATA)) == TEXT


def test_an_explanation_as_html_is_escaped_and_has_no_colours() -> None:
    shown = sheet_bundle(explain_sheet(DATA))["text/html"]
    assert '<td title="df">df</td><td title="pandas.DataFrame 2 x 1">pandas.DataFrame 2 x 1</td>' in shown
    assert '<td class="w" title="line 2">line 2</td>' in shown
    assert "`a` &amp; &lt;b&gt;" in shown
    assert "color:" not in shown.split("</style>")[1]


def test_a_cell_that_reads_nothing_has_no_table() -> None:
    shown = sheet_bundle(explain_sheet({**DATA, "sent": [], "problems": [], "size_bytes": None}))
    assert shown["text/plain"].splitlines()[1:3] == [
        "sends no names",
        "comes back: y, df if it is changed, the value of the last expression",
    ]
    assert "<table>" not in shown["text/html"]
