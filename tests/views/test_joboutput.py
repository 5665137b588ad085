"""A call's end as a card: pure, from facts and the value's own bundle."""

from __future__ import annotations

from typing import Any

import pytest

from flash_jupyter.views.joboutput import job_output_bundle, value_html

FACTS = {
    "id": "fj-1",
    "status": "COMPLETED",
    "endpoint": "trainer",
    "worker_id": "w1",
    "delay_time_ms": 42,
    "execution_time_ms": 1500,
    "cost_usd": 0.0008,
}
DETAILS = "fj-1 · trainer · worker w1 · waited 42 ms · ran 1.5 s · $0.0008"


def head(status: str, color: str, details: str = DETAILS) -> str:
    return (
        f'<div style="font-size:90%;margin-bottom:.3em"><span style="color:{color}">●</span> {status} '
        f'<span style="opacity:.7">· {details.replace("$", "<span>$</span>")}</span></div>'
    )


def test_a_value_stands_under_how_the_call_ended() -> None:
    assert job_output_bundle(FACTS, {"text/plain": "[1, 2]"}) == {
        "text/plain": f"COMPLETED · {DETAILS}\n[1, 2]",
        "text/html": (
            f"<div>{head('COMPLETED', 'var(--jp-success-color1, currentColor)')}"
            '<div><pre style="margin:0;font-size:var(--jp-code-font-size, inherit)">[1, 2]</pre></div></div>'
        ),
    }


def test_an_error_is_its_frames() -> None:
    lines = ["ValueError", "Cell In[3], line 2", "----> 2 raise ValueError('<no>')", "", "ValueError: <no>"]
    bundle = job_output_bundle({**FACTS, "status": "FAILED"}, None, lines)
    assert bundle["text/plain"] == f"FAILED · {DETAILS}\n" + "\n".join(lines)
    assert bundle["text/html"] == (
        f"<div>{head('FAILED', 'var(--jp-error-color1, currentColor)')}"
        '<pre style="margin:0;font-size:var(--jp-code-font-size, inherit)">ValueError\nCell In[3], line 2\n----&gt; 2 raise ValueError(&#x27;&lt;no&gt;&#x27;)\n\n'
        "ValueError: &lt;no&gt;</pre></div>"
    )


def test_nothing_returned_is_one_line() -> None:
    assert job_output_bundle({"id": "", "status": "COMPLETED"}, None)["text/plain"] == "COMPLETED · here"


RICHEST: list[tuple[str, dict[str, Any], str]] = [
    ("HTML before plain text", {"text/html": "<table></table>", "text/plain": "a"}, "<table></table>"),
    ("SVG before a picture", {"image/svg+xml": "<svg/>", "image/png": "x"}, "<svg/>"),
    (
        "a picture before text",
        {"image/jpeg": "ab\n", "text/plain": "p"},
        '<img alt="p" src="data:image/jpeg;base64,ab">',
    ),
    ("a formula", {"text/latex": "$a<b$", "text/plain": "x"}, "<div>$a&lt;b$</div>"),
    (
        "text as it is",
        {"text/plain": "<a>"},
        '<pre style="margin:0;font-size:var(--jp-code-font-size, inherit)">&lt;a&gt;</pre>',
    ),
]


@pytest.mark.parametrize(("value", "shown"), [c[1:] for c in RICHEST], ids=[c[0] for c in RICHEST])
def test_the_richest_type_that_html_can_hold(value: dict[str, Any], shown: str) -> None:
    assert value_html(value) == shown


def test_what_html_can_not_hold_goes_along() -> None:
    plot = {"application/vnd.plotly.v1+json": {"data": []}, "text/plain": "Figure"}
    assert job_output_bundle(FACTS, plot)["application/vnd.plotly.v1+json"] == {"data": []}
