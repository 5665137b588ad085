"""Ten notebooks of different shapes, built, run on the embedded Runpod, and compared with what they gave when they were run."""

from __future__ import annotations

import ast
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest

from flash_jupyter.build.asker import Asker
from flash_jupyter.build.bundle import build
from flash_jupyter.build.preview import Preview
from flash_jupyter.build.rehearsal import is_alike
from flash_jupyter.build.smoke import smoke
from flash_jupyter.session.local import local_info

pytestmark = pytest.mark.journey

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
DEFAULTS, TESTS = "its defaults", "its test cell"
BOTH = {DEFAULTS, TESTS}
#: notebook -> function -> what is verified of it
CASES: dict[str, dict[str, set[str]]] = {
    "churn.ipynb": {"score": BOTH},
    "ledger.ipynb": {"Ledger": {TESTS}},
    "messy.ipynb": {"mark": BOTH},
    "network.ipynb": {"forward": BOTH},
    "parcels.ipynb": {"postage": BOTH},
    "pipeline.ipynb": {"words": BOTH, "weigh": BOTH, "heavy": BOTH},
    "prices.ipynb": {"price": {TESTS}, "order": {TESTS}},
    "report.ipynb": {"report": BOTH},
    "weather.ipynb": {"average": BOTH},
    "words.py": {"count_words": BOTH},
}
NO_TORCH = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed here")
QUICK = ("parcels.ipynb", "prices.ipynb")
MARKS = {name: [] if name in QUICK else [pytest.mark.slow] for name in CASES}
MARKS["network.ipynb"].append(NO_TORCH)


def stored(path: Path, function: str) -> Any:
    """The value that a handler cell gave when the notebook was run: the first result at or below it; None without one."""
    if path.suffix != ".ipynb":
        return None
    cells = nbformat.read(path, as_version=4).cells
    tagged = [n for n, cell in enumerate(cells) if f"flash:handler:{function}" in cell.metadata.get("tags", ())]
    results = [
        output.data["text/plain"]
        for cell in (cells[tagged[0] :] if tagged else [])
        for output in cell.get("outputs", ())
        if output.output_type == "execute_result"
    ]
    return ast.literal_eval(results[0]) if results else None


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS[name]) for name in CASES])
def test_the_bundle_of_a_notebook_gives_what_the_notebook_gave(name: str, shared_desk: Any, tmp_path: Path) -> None:
    project = tmp_path / "notebooks"
    shutil.copytree(NOTEBOOKS, project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    settings = shared_desk.settings
    bundle = build(project / name, settings=settings)
    with Preview(bundle.archive, bundle.manifest, settings) as preview:
        served = preview.start()
        verdicts = smoke(bundle.project, served, settings)
        assert {verdict.state for verdict in verdicts} == {"verified"}, "\n".join(map(str, verdicts))
        found: dict[str, set[str]] = {}
        for verdict in verdicts:
            found.setdefault(verdict.function, set()).add(DEFAULTS if verdict.how == DEFAULTS else TESTS)
        assert found == CASES[name]
        info = local_info(settings)
        assert info is not None
        with Asker(info.api_key) as asker:
            functions = [(each, function) for each in served for function in each.functions]
            for place, function in functions:
                expected = stored(project / name, function.name)
                if expected is not None:
                    got = asker.plain(function, place, {})
                    assert is_alike(
                        expected, {key: got[key] for key in expected} if isinstance(expected, dict) else got
                    )


def test_every_notebook_is_tried() -> None:
    files = {path.name for path in NOTEBOOKS.iterdir() if path.suffix == ".ipynb"}
    assert files | {"words.py"} == set(CASES)
