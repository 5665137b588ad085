from __future__ import annotations

from flash_jupyter.views.format import PLACES, one_line


def test_html_is_escaped_and_has_no_colour() -> None:
    text = one_line("<script>")["text/html"]
    assert "&lt;script&gt;" in text
    assert "color" not in text


def test_every_backend_has_a_name() -> None:
    assert set(PLACES) == {"local", "runpod"}
