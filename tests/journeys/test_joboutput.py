"""What a notebook shows of a `JobOutput`: a card, with the value's own richest type, or the frames of its error."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = pytest.mark.journey

FUNCTION = """
from flash_jupyter import LiveServerless, remote
from IPython.display import display

@remote(LiveServerless(name="cards"))
def call(what):
    import sys
    if what == "frame":
        import pandas
        return pandas.DataFrame({"a": [1, 2]})
    if what == "figure":
        import matplotlib.figure
        figure = matplotlib.figure.Figure(figsize=(1, 1))
        figure.subplots().plot([1, 2])
        return figure
    if what == "nothing":
        return None
    return 1 / what
"""
HEAD = r"(COMPLETED|FAILED) · fj-[0-9a-f]{12} · cards · worker \S+ · waited \d\S* m?s · ran \d\S* m?s"


def shown(notebook: Any, what: str) -> tuple[str, str]:
    """Return the text and the HTML of a call's card."""
    bundle = notebook.ok(f"display(call.remote({what}))").bundles[-1]
    return bundle["text/plain"], bundle["text/html"]


@pytest.fixture
def card(notebook: Any) -> Any:
    notebook.ok(FUNCTION)
    return lambda what: shown(notebook, what)


def test_cards(card: Any, notebook: Any) -> None:
    text, page = card(4)
    head, value = text.split("\n")
    assert re.fullmatch(HEAD, head), head
    assert value == "0.25"
    assert page.endswith('inherit)">0.25</pre></div></div>')

    text, page = card("'frame'")
    assert text.splitlines()[1:] == ["   a", "0  1", "1  2"]
    assert '<table border="1" class="dataframe">' in page

    text, page = card("'figure'")
    assert text.splitlines()[1] == "<Figure size 100x100 with 1 Axes>"
    assert 'src="data:image/png;base64,iVBOR' in page

    assert re.fullmatch(HEAD, card("'nothing'")[0])


def test_an_error_s_card_shows_where_it_was_raised(card: Any, notebook: Any) -> None:
    text, page = card(0)
    assert text.startswith("FAILED · ")
    assert text.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert "return 1 / what" in text
    assert "Traceback on the worker" in page
    assert "<pre" in page
    raised = notebook.run("call.remote(0).result()")
    assert raised.ename == "ZeroDivisionError"
    assert raised.traceback.splitlines() == [line.rstrip() for line in text.splitlines()[1:]]
    caught = "try:\n    call.remote(0).result()\nexcept {} as error:\n    print(error.args)"
    for kind in ("ZeroDivisionError", "__import__('flash_jupyter').RemoteExecutionError"):
        assert notebook.ok(caught.format(kind)).stdout == "('division by zero',)\n"
    text = notebook.ok("repr(call.remote(0))").result
    assert "ZeroDivisionError: division by zero" in text
    assert "\\n" not in text
