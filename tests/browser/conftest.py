"""JupyterLab and Notebook 7 in Chromium: one browser and one server of each, a fresh notebook in a fresh tab for a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from chromium import start_chromium
from lab import Lab
from lab_server import JupyterServer

#: wide enough for a notebook beside the file browser, high enough for some cells
VIEWPORT = {"width": 1280, "height": 1000}
_NUMBERS = count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make pictures` say where the screenshots go."""
    parser.addoption("--pictures", type=Path, help="keep the screenshots of the browser tests in this folder")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser, with an empty profile."""
    with start_chromium() as started, started.new_context(viewport=VIEWPORT) as context:
        yield context


@pytest.fixture(scope="session")
def server(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """One JupyterLab with an embedded Runpod of its own. It asks for the browser, so that it does not start in vain."""
    with JupyterServer(tmp_path_factory.mktemp("browser") / "home") as started:
        yield started


def _new_name() -> str:
    return f"notebook{next(_NUMBERS)}.ipynb"


@pytest.fixture
def keep(request: pytest.FixtureRequest, pictures: Path) -> Callable[..., None]:
    """Keep a page as a test leaves it, named after the test."""

    def take(lab: Lab, number: int = 0) -> None:
        lab.page.screenshot(path=pictures / f"{request.node.name}{f'-{number}' if number else ''}.png")

    return take


@pytest.fixture
def open_lab(browser: Any, server: JupyterServer, keep: Callable[..., None]) -> Iterator[Callable[..., Lab]]:
    """Open a notebook of these cells (an empty one without any) in a tab of its own; a console error fails the test."""
    with _opening(browser, server, keep, "lab/tree") as open_notebook:
        yield open_notebook


@pytest.fixture(scope="session")
def notebook_server(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    """One Notebook 7 with an embedded Runpod of its own."""
    with JupyterServer(tmp_path_factory.mktemp("notebook7") / "home", application="notebook") as started:
        yield started


@pytest.fixture
def open_notebook7(
    browser: Any, notebook_server: JupyterServer, keep: Callable[..., None]
) -> Iterator[Callable[..., Lab]]:
    """Open a notebook in Notebook 7, where one page is one notebook; else as `open_lab`."""
    with _opening(browser, notebook_server, keep, "notebooks") as open_notebook:
        yield open_notebook


@contextmanager
def _opening(browser: Any, server: JupyterServer, keep: Callable[..., None], view: str) -> Iterator[Callable[..., Lab]]:
    opened: list[Lab] = []

    def open_notebook(*cells: str, name: str = "") -> Lab:
        lab = Lab(browser.new_page(), server)
        opened.append(lab)
        lab.open(name or server.write_notebook(_new_name(), *cells), view=view)
        return lab

    try:
        yield open_notebook
        for number, lab in enumerate(opened):
            if not lab.page.is_closed():  # a test may close its own tab
                keep(lab, number)
    finally:
        for lab in opened:
            lab.page.close()
        server.shut_down_kernels()
        server.reset_settings()
    assert [error for lab in opened for error in lab.errors] == []


@pytest.fixture(scope="session")
def tab(browser: Any, server: JupyterServer) -> Lab:
    """One tab for all tests that do not ask for their own: to load JupyterLab anew takes some seconds."""
    return Lab(browser.new_page(), server)


@pytest.fixture
def lab(tab: Lab, server: JupyterServer, keep: Callable[..., None]) -> Iterator[Lab]:
    """A fresh notebook with the extension loaded, light theme; a console error fails the test."""
    name = server.write_notebook(_new_name())
    (tab.open_next if tab.is_open else tab.open)(name)
    try:
        tab.ok("%load_ext flash_jupyter")
        yield tab
        keep(tab)
        tab.dismiss_questions()  # a test that failed may leave one
        tab.theme("light")
        tab.close_notebook()
    except BaseException:
        tab.leave()  # the next test begins anew
        raise
    finally:
        server.shut_down_kernels()
        errors, tab.errors = tab.errors, []
    assert errors == []


@pytest.fixture(scope="session")
def pictures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: the folder of `--pictures`, else one of the test run."""
    chosen: Path | None = request.config.getoption("--pictures", default=None)
    if chosen is None:
        return tmp_path_factory.mktemp("pictures")
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen
