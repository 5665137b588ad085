"""The buttons of the panel: ipywidgets over what was listed. They say what was chosen, and know nothing of Runpod.

What is deleted asks for a second press of the same button, which says what it will do; every other press takes that
back. Widgets are set from several threads: whoever does, holds the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets

from flash_jupyter.views.format import escape, one_line, shortened, uncoloured
from flash_jupyter.views.listing import whose
from flash_jupyter.views.panel import AGAIN, is_open, shown_jobs

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
#: what our JupyterLab extension draws: the widget where the kernel has it, else the fallback
CONTROLS_VIEW = "application/vnd.flash-jupyter.controls+json"
#: the longest text of a choice; the table above has all of it
CHOICE_CHARACTERS = 60
BUTTON_WIDTH = "7em"

#: action, and what it is done to: an id, or nothing
Act = Callable[[str, str], None]


def fallback() -> dict[str, str]:
    """Return what stands in the place of the buttons where there are no widgets, or not any more."""
    return one_line(AGAIN)


class Controls:
    """The buttons of one panel. `act` is called with an action and what was chosen for it, on any thread."""

    def __init__(self, act: Act) -> None:
        self._act = act
        self._lock = threading.RLock()
        self._armed = ""
        self._endpoints: dict[str, str] = {}
        self._mine = 0
        self._all = self._button("Undeploy all", "undeploy-all", "", width="auto")
        self.endpoint, self.job = _choice("endpoint"), _choice("job")
        self._undeploy = self._button("Undeploy", "undeploy", "endpoint", width="auto")
        self._keep = ipywidgets.Button(description="Keep", layout=_layout(width=BUTTON_WIDTH, display="none"))
        self._keep.on_click(lambda _button: self.disarm())
        self._refresh = self._button("Refresh", "refresh", "")
        self._attach = self._button("Attach", "attach", "job")
        self._cancel = self._button("Cancel", "cancel", "job")
        self._hide = ipywidgets.Button(description="Hide", layout=_layout(width=BUTTON_WIDTH, display="none"))
        self._hide.on_click(lambda _button: self.say(""))
        self._text = ipywidgets.HTML(layout=_layout(width="100%"))
        self._rows = (
            _row(
                self.endpoint, self._button("Logs", "endpoint-logs", "endpoint"), self._undeploy, self._all, self._keep
            ),
            _row(self.job, self._button("Logs", "job-logs", "job"), self._attach, self._cancel),
            _row(self._refresh, self._hide),
        )
        self.box = ipywidgets.VBox([*self._rows, self._text])
        # the frontend counts how often it shows the box: none once it is cleared
        self.box._view_count = 0
        self.endpoint.observe(lambda _change: self.disarm(), "value")
        self.job.observe(lambda _change: self._offer(), "value")
        self._jobs: dict[str, Mapping[str, Any]] = {}

    @property
    def is_shown(self) -> bool:
        """Whether a frontend has it on a page; one that does not count says no."""
        return bool(self.box._view_count)

    def bundle(self) -> dict[str, Any]:
        """Return the mime bundle of the buttons; without widgets it reads as a line."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return {**fallback(), WIDGET_VIEW: view, CONTROLS_VIEW: {"model_id": self.box.model_id}}

    def show(self, overview: Mapping[str, Any]) -> None:
        """Offer what there is to choose from."""
        with self._lock:
            endpoints: Sequence[Mapping[str, Any]] = overview["endpoints"]
            self._endpoints = {each["id"]: f"{each['name']} ({whose(each)})" for each in endpoints}
            self._jobs = {each["id"]: each for each in shown_jobs(overview["jobs"])}
            _offer_choices(self.endpoint, {each["id"]: each["name"] for each in endpoints})
            _offer_choices(self.job, {key: f"{key} · {job['state']}" for key, job in self._jobs.items()})
            self._mine = sum(each["owner"] == overview["owner"] for each in endpoints)
            self._all.layout.display = None if self._mine > 1 else "none"
            self._rows[0].layout.display = None if endpoints else "none"
            self._rows[1].layout.display = None if self._jobs else "none"
            self._offer()

    def busy(self, is_busy: bool) -> None:
        """Take no press while one is being served."""
        with self._lock:
            for row in self._rows:
                for widget in row.children:
                    widget.disabled = is_busy
            if not is_busy:
                self._offer()

    def say(self, text: str, *, is_error: bool = False) -> None:
        """Show a line under the buttons, or nothing."""
        color = "var(--jp-error-color1, inherit)" if is_error else "inherit"
        shown = f'<div style="white-space:pre-wrap;line-height:1.5;color:{color}">{escape(text)}</div>'
        self._put(shown if text else "")

    def read_out(self, title: str, text: str) -> None:
        """Show a long text under the buttons, its end in view."""
        self._put(
            f"<div>{escape(title)}</div>"
            '<div style="display:flex;flex-direction:column-reverse;max-height:22em;overflow:auto;'
            'border-top:1px solid var(--jp-border-color2, rgba(128,128,128,.25))">'
            '<pre style="font-size:var(--jp-code-font-size, 12px);line-height:1.4;white-space:pre-wrap;'
            'margin:.4em 0;flex:none">'
            f"{escape(uncoloured(text))}</pre></div>"
        )

    def disarm(self) -> None:
        """Take the first press back."""
        with self._lock:
            self._armed = ""
            self._undeploy.description, self._all.description = "Undeploy", "Undeploy all"
            self._undeploy.button_style = self._all.button_style = ""
            self._keep.layout.display = "none"

    def close(self) -> None:
        """End the widgets here and on the page."""
        with self._lock:
            for row in self._rows:
                for widget in row.children:
                    widget.close()
                row.close()
            self._text.close()
            self.box.close()

    def _button(self, text: str, action: str, what: str, *, width: str = BUTTON_WIDTH) -> Any:
        button = ipywidgets.Button(description=text, layout=_layout(width=width))
        button.on_click(lambda _button: self._pressed(action, what))
        return button

    def _pressed(self, action: str, what: str) -> None:
        chosen = str(getattr(self, what).value or "") if what else ""
        with self._lock:
            confirmed = self._armed == f"{action} {chosen}"
            self.disarm()
            if action.startswith("undeploy") and not confirmed:
                self._arm(action, chosen)
                return
        self._act(action, chosen)

    def _arm(self, action: str, chosen: str) -> None:
        self._armed = f"{action} {chosen}"
        button = self._all if action == "undeploy-all" else self._undeploy
        what = f"all {self._mine} of yours" if action == "undeploy-all" else self._endpoints.get(chosen, chosen)
        button.description, button.button_style = f"Really delete {what}?", "danger"
        self._keep.layout.display = None

    def _offer(self) -> None:
        """Only what is possible with the chosen job can be pressed."""
        job = self._jobs.get(self.job.value or "")
        self._cancel.disabled = job is None or not is_open(job)
        self._attach.disabled = job is None or not (job["has_result"] or is_open(job))

    def _put(self, shown: str) -> None:
        with self._lock:
            self._text.value = shown
            self._hide.layout.display = None if shown else "none"


def _choice(what: str) -> Any:
    return ipywidgets.Dropdown(options=[], layout=_layout(width="26em"), tooltip=what)


def _offer_choices(dropdown: Any, texts: Mapping[str, str]) -> None:
    """Replace what can be chosen; what is chosen stays so where it is still there."""
    options = [(shortened(text, CHOICE_CHARACTERS), key) for key, text in texts.items()]
    if list(dropdown.options) == options:
        return
    before = dropdown.value
    dropdown.options = options
    dropdown.value = before if before in texts else next(iter(texts), None)


def _layout(**values: str) -> Any:
    return ipywidgets.Layout(**values)


def _row(*widgets: Any) -> Any:
    return ipywidgets.HBox(widgets, layout=_layout(flex_flow="row wrap"))
