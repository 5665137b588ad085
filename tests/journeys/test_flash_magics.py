"""`%flash init`, `%flash build` and `%flash run`: from a notebook to an API, without leaving it."""

from __future__ import annotations

import json
import re
import tarfile
import time
from typing import Any

import httpx
import nbformat
import pytest

from flash_jupyter.session.session import Session

pytestmark = pytest.mark.journey

DEADLINE_S = 60.0
CELLS = [
    ("K = 3\n\n\ndef times(x):\n    return K * x", "flash:setup"),
    ("x = 2", ""),
    ("#| remote: cpu=cpu3c-2-4 name=NAME\ny = times(x)", "flash:handler:triple"),
]


def save(desk: Any, name: str) -> str:
    """Save a notebook whose handler has an endpoint of its own; return its path as Jupyter Server tells a kernel."""
    cells = [
        nbformat.v4.new_code_cell(
            source.replace("NAME", f"{name}-cpu"), metadata={"tags": [tag] if tag else []}, id=f"cell{number}"
        )
        for number, (source, tag) in enumerate(CELLS)
    ]
    path = desk.folder / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return str(path)


def test_a_project_is_made_and_collisions_are_refused(notebook: Any, shared_desk: Any, fresh: str) -> None:
    shown = notebook.ok(f"%flash init {fresh}").displays[-1]
    assert shown.startswith(f"made {fresh} in {shared_desk.folder / fresh}: README.md, .env")
    assert (shared_desk.folder / fresh / "workers" / "gpu" / "endpoint.py").is_file()
    again = notebook.run(f"%flash init {fresh}")
    assert again.ename == "SettingsError"
    assert "nothing was written" in again.error


def url_of(kernel: Any) -> tuple[str, str]:
    """Serve the notebook; return where it is, and the path of its first route that runs a job."""
    text = kernel.ok("%flash run --port 0").displays[-1]
    return text.split(" on ")[1].split()[0], next(word for word in text.split() if word.endswith("/runsync"))


def test_this_notebook_is_built_and_served_until_it_is_stopped(shared_desk: Any) -> None:
    kernel = shared_desk.open(env={"JPY_SESSION_NAME": save(shared_desk, "triple")})
    text = kernel.ok("%flash build").status_lines[-1]
    assert text.startswith("built triple for Python 3.")
    assert re.search(r"^of triple.ipynb as saved .+ ago; what was changed since then is not in it$", text, re.MULTILINE)
    with tarfile.open(shared_desk.folder / ".flash" / "artifact.tar.gz") as archive:
        assert "flash_manifest.json" in {name.removeprefix("./") for name in archive.getnames()}
    manifest = json.loads((shared_desk.folder / ".flash" / "flash_manifest.json").read_text())
    assert list(manifest["function_registry"]) == ["triple"]

    url, path = url_of(kernel)
    answer = httpx.post(f"{url}{path}", json={"input": {"x": 5}}, timeout=DEADLINE_S, trust_env=False)
    assert (answer.status_code, answer.json()["output"]) == (200, {"y": 15})
    assert "a server of this kernel runs already" in kernel.run("%flash run").stderr
    assert kernel.ok("%flash run stop").status == "stopped; removed: triple-cpu"
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    assert kernel.ok("%flash run stop").status == "no server of this kernel runs"


def test_this_notebook_is_built_and_compared_with_what_was_built(shared_desk: Any) -> None:
    kernel = shared_desk.open(env={"JPY_SESSION_NAME": save(shared_desk, "tried")})
    shown = kernel.ok("%flash build --preview --try-defaults").status_lines[-1]
    assert shown.splitlines() == [
        "function  state     how           text",
        "triple    verified  its defaults  {'y': 6}",
        "preview of tried, on the embedded Runpod; its endpoints are removed again",
    ]
    assert "tried-preview" not in kernel.ok("%flash endpoints").displays[-1]


@pytest.mark.slow
def test_a_bundle_that_differs_from_the_notebook_is_told(shared_desk: Any) -> None:
    path = save(shared_desk, "wrong")
    notebook = nbformat.read(path, as_version=4)
    test = nbformat.v4.new_code_cell("assert triple(x=1) == {'y': 4}", metadata={"tags": ["flash:test"]}, id="cell9")
    notebook.cells.append(test)
    nbformat.write(notebook, path)
    done = shared_desk.open(env={"JPY_SESSION_NAME": path}).run("%flash build --preview")
    assert done.ename == "BuildError"
    assert "the bundle does not give what the notebook gives: triple" in done.error
    assert "AssertionError, in `assert triple(x=1) == {'y': 4}`" in done.status_lines[-1]


@pytest.mark.slow
def test_a_server_ends_with_its_kernel_and_so_do_its_endpoints(shared_desk: Any) -> None:
    kernel = shared_desk.open(env={"JPY_SESSION_NAME": save(shared_desk, "dies")})
    url, path = url_of(kernel)
    answer = httpx.post(f"{url}{path}", json={"input": {}}, timeout=DEADLINE_S, trust_env=False)
    assert (answer.status_code, answer.json()["output"]) == (200, {"y": 6})
    session = Session(shared_desk.settings)
    try:
        assert "dies-cpu" in {endpoint.name for endpoint in session.endpoints()}
        kernel.manager.shutdown_kernel(now=True)
        deadline = time.monotonic() + DEADLINE_S
        while "dies-cpu" in {endpoint.name for endpoint in session.endpoints()}:
            assert time.monotonic() < deadline, "the server has outlived its kernel"
            time.sleep(2)  # the control plane takes sixty requests a minute
    finally:
        session.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, timeout=DEADLINE_S, trust_env=False)


REFUSED = [
    ("a notebook that nobody names", "%flash build", "nobody here says which notebook this is"),
    ("a path that is not there", "%flash build nowhere.ipynb", "there is no nowhere.ipynb"),
    ("a flag that does not exist", "%flash build --keep", "did you mean --keep-build?"),
    ("what is for a preview only", "%flash build . --try-defaults", "--try-defaults is for a preview"),
    ("two paths", "%flash run a b", "%flash run takes one path, not a and b"),
    ("a Python that has no image", "%flash build . --python-version 2.7", "2.7"),
]


@pytest.mark.parametrize(("line", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_is_refused_has_no_traceback(notebook: Any, line: str, said: str) -> None:
    cell = notebook.run(line)
    assert cell.ename == "UsageError"
    assert said in cell.stderr


def test_a_project_that_can_not_be_served_says_why(notebook: Any, shared_desk: Any) -> None:
    (shared_desk.folder / "empty").mkdir(exist_ok=True)
    cell = notebook.run("%flash run empty --port 0")
    assert cell.ename == "FlashError"
    assert "empty has no Python file and no notebook" in cell.error
