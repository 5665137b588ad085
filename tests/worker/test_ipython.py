"""`IPython.display` where there is no IPython: shows the same, and comes home as IPython's own."""

from __future__ import annotations

from typing import Any

import IPython.display
import pytest
from cells import Notebook, text

from flash_jupyter.worker.display import mimebundle

PNG = b"\x89PNG\r\n\x1a\nrest"

SHOWN: list[tuple[str, str, dict[str, Any]]] = [
    ("HTML", "HTML('<b>x</b>')", {"text/html": "<b>x</b>"}),
    ("Markdown", "Markdown('# x')", {"text/markdown": "# x"}),
    ("LaTeX", "Latex('$x$')", {"text/latex": "$x$"}),
    ("a formula", "Math('x^2')", {"text/latex": "$\\displaystyle x^2$"}),
    ("SVG", "SVG('<svg/>')", {"image/svg+xml": "<svg/>"}),
    ("JSON", "JSON({'a': 1})", {"application/json": {"a": 1}}),
    ("JavaScript", "Javascript('1')", {"application/javascript": "1"}),
    ("a picture", f"Image({PNG!r}, width=10)", {"image/png": "iVBORw0KGgpyZXN0"}),
    ("a linked picture", "Image(url='http://host/x.png')", {"text/html": '<img src="http://host/x.png"/>'}),
    ("another page", "IFrame('http://host', 10, 20)",
     {"text/html": '<iframe width="10" height="20" src="http://host" frameborder="0" allowfullscreen></iframe>'}),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), [case[1:] for case in SHOWN], ids=[case[0] for case in SHOWN])
def test_what_is_displayed(bare: Notebook, expression: str, expected: dict[str, Any]) -> None:
    answer = bare.there(f"from IPython.display import *\nimport IPython.display as d\ndisplay(d.{expression})")
    ((_, event),) = answer.order["events"]
    assert {mime: event["data"][mime] for mime in expected} == expected


@pytest.mark.parametrize("expression", [case[1] for case in SHOWN if "IFrame" not in case[1]])
def test_a_result_is_an_object_of_ipythons_own_class(bare: Notebook, expression: str) -> None:
    result = bare.there(f"import IPython.display as d\nd.{expression}").result
    local = eval(f"IPython.display.{expression}")
    assert type(result) is type(local)
    assert (result.data, result.url) == (local.data, local.url)
    assert mimebundle(result)[0].keys() == mimebundle(local)[0].keys()


def test_an_object_of_ipythons_own_class_travels(bare: Notebook) -> None:
    bare.names["shown"] = IPython.display.HTML("<i>here</i>")
    bare.names["picture"] = IPython.display.JSON({"k": 1})
    answer = bare.there("display(shown)\ndisplay(picture)", ["shown", "picture"])
    bundles = [event["data"] for _, event in answer.order["events"]]
    assert bundles[0]["text/html"] == "<i>here</i>"
    assert bundles[1]["application/json"] == {"k": 1}


def test_a_handle_updates_over_there_and_comes_home(bare: Notebook) -> None:
    answer = bare.there(
        "from IPython.display import display, update_display, clear_output\n"
        "h = display('a', display_id='my')\nh.update('b')\nupdate_display('c', display_id='my')\nclear_output(wait=True)\nh"
    )
    events = [(event["t"], event.get("id")) for _, event in answer.order["events"]]
    assert events == [("display", "my"), ("update", "my"), ("update", "my"), ("clear", None)]
    assert isinstance(answer.result, IPython.display.DisplayHandle)
    assert answer.result.display_id == "my"


def test_the_shell_is_nobodys(bare: Notebook) -> None:
    assert bare.there("import IPython\nIPython.get_ipython(), IPython.version_info >= (8, 24)").result == (None, True)


ABSENT = [
    ("another module", "from IPython.lib import pretty", "IPython.lib: this worker has no IPython; add deps=ipython"),
    ("another name", "import IPython.display as d; d.Video", "IPython.display.Video: this worker has no IPython"),
    ("an imported name", "from IPython.display import Video", "cannot import name 'Video' from 'IPython.display'"),
]


@pytest.mark.parametrize(("cell", "message"), [case[1:] for case in ABSENT], ids=[case[0] for case in ABSENT])
def test_what_the_stand_in_has_not_got_is_said(bare: Notebook, cell: str, message: str) -> None:
    assert message in bare.there(cell).order["error"]["message"]


def test_a_worker_without_anything_runs_a_cell(bare: Notebook) -> None:
    answer = bare.there("print('x')\nimport importlib.util as u\n[u.find_spec(n) for n in ('matplotlib', 'numpy')]")
    assert text(answer) == "x\n"
    assert answer.result == [None, None]
