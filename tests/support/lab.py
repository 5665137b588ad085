"""JupyterLab in a browser, as a user sits before it: types cells, runs them, looks at what they show, clicks.

Everything is done with keyboard and mouse; only waiting, the theme and opening ask Lab itself (`window.jupyterapp`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lab_server import JupyterServer

#: what a cell may take, in seconds
CELL_S = 90.0
OPEN_S = 120.0
POLL_S = 0.05
#: a question is gone so soon after it was answered; else the page is given up
QUESTION_S = 10.0

#: console errors that are no fault of ours: pattern -> reason
ALLOWED_ERRORS: dict[str, str] = {
    r"/api/kernels\b.* 500|500 .*/api/kernels\b": "jupyter_server's own race at its start (KeyError: last_activity)",
    r"Could not send widget sync message": "a view that is closed with its notebook is counted down on a dead connection",
    r"^uncaught: Cannot read properties of undefined \(reading 'schema'\)": "Notebook 7.6's own, also without us: it asks"
    " for settings of a panel that it does not have",
    r"Canceled future for \w+ message before replies": "Lab had asked the kernel of a notebook that was closed meanwhile",
}

#: what JupyterLab shows in place of a widget that is gone, or of an output that it can't draw
JUNK = ("Loading widget", "Error displaying widget", "Could not render", "model not found", "Error creating widget")

_IS_READY = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    const kernel = context?.session?.kernel;
    return Boolean(context?.isReady && kernel?.connectionStatus === 'connected' && kernel?.status === 'idle'
        && !document.querySelector('#jupyterlab-splash'));
}"""

_CLOSE = """async () => {
    const panel = window.jupyterapp.shell.currentWidget;
    await panel.context.save();
    panel.close();
}"""


class Lab:
    """One page with one notebook. Errors on the browser's console are kept in `errors`."""

    def __init__(self, page: Any, server: JupyterServer) -> None:
        self.page, self.server = page, server
        self.errors: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self._keep(f"uncaught: {error}"))
        page.set_default_timeout(CELL_S * 1000)

    def open(self, name: str, *, view: str = "lab/tree") -> None:
        """Open a notebook in a clean workspace, and wait for its kernel; `view` is `notebooks` in Notebook 7."""
        self.page.goto(self.server.address(f"{view}/{name}?reset"), timeout=OPEN_S * 1000)
        self.wait_for_kernel()

    def open_next(self, name: str) -> None:
        """Open a notebook in the page that is there, which takes a tenth of the time."""
        self.command("docmanager:open", path=name)
        self.wait_for_kernel()

    def close_notebook(self) -> None:
        """Save and close the notebook that is open; the page stays."""
        self.page.evaluate(_CLOSE)
        self.page.locator(".jp-NotebookPanel").wait_for(state="detached")

    def dismiss_questions(self) -> None:
        """Say no to the questions that are open: while one is, Lab closes no notebook."""
        questions = self.page.locator(".jp-Dialog")
        while count := questions.count():
            self.page.keyboard.press("Escape")
            questions.nth(count - 1).wait_for(state="detached", timeout=QUESTION_S * 1000)

    def leave(self) -> None:
        """Leave JupyterLab, whatever it was at."""
        self.page.goto("about:blank")

    @property
    def is_open(self) -> bool:
        """Whether JupyterLab is loaded."""
        return bool(self.page.url != "about:blank")

    def wait_for_kernel(self) -> None:
        """Wait until a cell that is run now reaches the kernel: the indicator says "idle" before there is one."""
        self.page.wait_for_function(_IS_READY, timeout=OPEN_S * 1000)

    def run(self, source: str) -> LabCell:
        """Type a cell at the end of the notebook, and run it without waiting."""
        cell = self.last_cell
        cell.editor.click()
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")
        return cell

    def ok(self, source: str) -> LabCell:
        """Run a cell to its end; it must not fail."""
        cell = self.run(source)
        cell.wait()
        assert not cell.failed, cell.text
        return cell

    @property
    def notebook(self) -> str:
        """The path of the notebook."""
        return str(self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path"))

    def junk(self, texts: Iterable[str]) -> list[str]:
        """Those of these texts that a reader sees in an output."""
        shown = "\n".join(cell.text for cell in self.cells)
        return [text for text in texts if text in shown]

    @property
    def cells(self) -> list[LabCell]:
        """All code cells, in the order of the notebook."""
        count = self.page.locator(".jp-Notebook .jp-CodeCell").count()
        return [LabCell(self, index) for index in range(count)]

    @property
    def last_cell(self) -> LabCell:
        """The last code cell, where the next one is typed."""
        return self.cells[-1]

    def run_all(self) -> None:
        """Run the whole notebook, from the menu."""
        self.menu("Run", "Run All Cells")

    def clear_outputs(self) -> None:
        """Clear the outputs of all cells, from the menu."""
        self.menu("Edit", "Clear Outputs of All Cells")

    def menu(self, *path: str) -> None:
        """Click an item of the menu: the name of a menu, those of menus below it, and the item's own."""
        self.page.locator(".lm-MenuBar-item").get_by_text(path[0], exact=True).click()
        for name in path[1:]:
            self.page.locator(".lm-Menu-item").get_by_text(name, exact=True).click()

    def interrupt(self) -> None:
        """Click the toolbar's button that interrupts the kernel."""
        self.page.locator('.jp-NotebookPanel-toolbar [data-command="notebook:interrupt-kernel"]').click()

    def restart(self) -> None:
        """Click the toolbar's button that restarts the kernel, and say yes."""
        self.page.locator('.jp-NotebookPanel-toolbar [data-command="notebook:restart-kernel"]').click()
        self.page.get_by_role("dialog").get_by_role("button", name="Confirm Kernel Restart").click()
        self.page.get_by_role("dialog").wait_for(state="detached")
        self.page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt", has_text="[*]").wait_for(state="detached")
        self.wait_for_kernel()

    def save(self) -> None:
        """Save the notebook with the keyboard, and wait until it is written."""
        self.page.keyboard.press("Control+s")
        self.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")

    def theme(self, name: str) -> None:
        """Change to the theme `light` or `dark`."""
        title = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[name]
        self.command("apputils:change-theme", theme=title)
        self.page.wait_for_function(
            "([title, light]) => document.body.dataset.jpThemeName === title"
            " && document.body.dataset.jpThemeLight === light",
            arg=[title, str(name == "light").lower()],
        )
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")  # lies over the page meanwhile

    def command(self, name: str, **arguments: object) -> None:
        """Run one of Lab's commands; what it returns can't travel."""
        run = "async ([name, options]) => { await window.jupyterapp.commands.execute(name, options); }"
        self.page.evaluate(run, [name, arguments])

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self._keep(f"{message.text} ({message.location.get('url', '')})")

    def _keep(self, error: str) -> None:
        if not any(re.search(pattern, error) for pattern in ALLOWED_ERRORS):
            self.errors.append(error)


class LabCell:
    """A code cell on the page, found by its place in the notebook."""

    def __init__(self, lab: Lab, index: int) -> None:
        self.lab = lab
        self.locator = lab.page.locator(".jp-Notebook .jp-CodeCell").nth(index)
        self.editor = self.locator.locator(".jp-InputArea .cm-content")
        self.output = self.locator.locator(".jp-Cell-outputArea")

    @property
    def card(self) -> Any:
        """The first output: the card of a remote cell, or its line."""
        return self.output.locator(".jp-OutputArea-output").first

    @property
    def prompt(self) -> str:
        """`[ ]:` before the cell has run, `[*]:` while it runs, `[3]:` after."""
        return str(self.locator.locator(".jp-InputPrompt").inner_text())

    @property
    def text(self) -> str:
        """What the cell shows, as a reader sees it."""
        self.locator.scroll_into_view_if_needed()  # what is far from the view is not laid out, and has no text
        return str(self.output.inner_text()) if self.output.count() else ""

    @property
    def outputs(self) -> list[str]:
        """The text of each output, without prompts."""
        self.locator.scroll_into_view_if_needed()
        return [text.strip() for text in self.output.locator(".jp-OutputArea-output").all_inner_texts()]

    @property
    def failed(self) -> bool:
        """Whether the cell shows an exception."""
        return bool(self.locator.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count())

    def wait(self, timeout_s: float = CELL_S) -> float:
        """Wait until the cell has run; give how long that took, in seconds."""
        began = time.monotonic()
        self.until(lambda: re.fullmatch(r"\[\d+\]:", self.prompt) is not None, "the cell is still running", timeout_s)
        return time.monotonic() - began

    def wait_for(self, text: str, timeout_s: float = CELL_S) -> None:
        """Wait until the cell shows a text."""
        self.until(lambda: text in self.text, f"no {text!r}", timeout_s)

    def until(self, condition: Any, otherwise: str, timeout_s: float = CELL_S) -> None:
        """Wait until a condition holds, or fail with what the cell shows."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"{otherwise} after {timeout_s} s; the cell shows:\n{self.text}"
            self.lab.page.wait_for_timeout(POLL_S * 1000)

    def click(self, button: str) -> None:
        """Click a button of the cell's output."""
        self.output.get_by_role("button", name=button).click()

    def screenshot(self, path: Path) -> Path:
        """Take a picture of what the cell shows."""
        self.locator.scroll_into_view_if_needed()
        self.output.screenshot(path=path)
        return path
