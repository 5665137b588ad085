"""The sidebar in JupyterLab, as a user reads and presses it."""

from __future__ import annotations

from typing import Any

from lab import Lab

PANEL = "#flash-jupyter-sidebar"


class Sidebar:
    """The panel in the left area of a page; opened where it is closed."""

    def __init__(self, lab: Lab) -> None:
        self.page = lab.page
        self.panel = self.page.locator(PANEL)
        if not self.panel.is_visible():
            self.page.locator('.jp-SideBar [data-id="flash-jupyter-sidebar"]').click()
        self.panel.wait_for()

    def endpoint(self, name: str) -> Any:
        """The row of an endpoint."""
        return self.panel.get_by_role("region", name="Endpoints:").get_by_role("listitem").filter(has_text=name)

    def job(self, name: str) -> Any:
        """The row of the newest job on an endpoint."""
        return self.panel.get_by_role("region", name="Jobs").get_by_role("listitem").filter(has_text=name).first

    def button(self, label: str) -> Any:
        """A button by what it does, and to what."""
        return self.panel.get_by_role("button", name=label).first

    def wait_for(self, text: str) -> None:
        """Wait until the panel shows a text."""
        self.panel.get_by_text(text).first.wait_for()

    def answer(self, question: str, answer: str) -> None:
        """Press a button of the question that is asked."""
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_text(question).wait_for()
        dialog.get_by_role("button", name=answer, exact=True).click()

    def undeploy(self, name: str) -> None:
        """Delete an endpoint, with the question in between, and wait until it is gone."""
        self.button(f"Undeploy {name}").click()
        self.answer(f"Undeploy {name}?", "Undeploy")
        self.endpoint(name).wait_for(state="detached")
