"""`%flash build` in JupyterLab: its card in both themes, while the notebook is the one that is open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lab import Lab
from looks import assert_readable

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = (
    "%load_ext flash_jupyter",
    "#| flash: setup\nfactor = 3",
    "#| flash: init\nweights = {'good': 1.0, 'bad': -1.0}",
    "text = 'good day'",
    "#| flash: handler name=rate\nscore = factor * sum(weights.get(word, 0) for word in text.split())",
    "%flash build",
)


def test_the_card_of_a_build_can_be_read(open_lab: Callable[..., Lab], pictures: Path) -> None:
    lab = open_lab(*CELLS)
    lab.run_all()
    cell = lab.last_cell
    cell.wait_for("artifact.tar.gz")
    for theme in ("light", "dark"):
        lab.theme(theme)
        cell.screenshot(pictures / f"build-{theme}.png")
        assert_readable(cell.card)
    assert "rate" in cell.text
