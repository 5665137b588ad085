"""The Cancel button of a card: a core ipywidgets control, there only while a click on it is heard.

A cell blocks the kernel's main thread, and whether a click reaches another one differs from frontend to frontend
(reference/jupyter.md, finding 2). So it is tried: the button is sent hidden, and asks the frontend to count its views
(`_view_count`). That answer travels as a click does. When it comes while the cell runs, the button is shown; where none
comes, nothing was seen. A frontend makes the subshell for its answers when it meets the first widget, and answers
before that is there would wait for the end of the cell: so the layout goes first, and the button is tried again.

A saved notebook that holds a widget shows "model not found" where the kernel is gone. So the button has a display of
its own beside the card, made only for jobs that last, and emptied when the job ends. If the kernel dies before, this
display is what remains of it; what does not draw widgets shows its text.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

from flash_jupyter.views.output import Publisher

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
TEXT = "(a Cancel button was here while the job ran)"
#: what an emptied display holds: with no mime type at all nbconvert warns
NOTHING = {"text/plain": "", "text/html": ""}
#: seconds before each attempt, in which the frontend makes its subshell, and for which its answer is waited
PAUSES_S, ANSWER_S = (0.3, 0.3, 2.0), 1.0


class CancelButton:
    """The button of one job; every method may be called from any thread. `cancel` is called once, by a click.

    `on_change` is called when clicks are heard from now on.
    """

    def __init__(self, publisher: Publisher, *, cancel: Callable[[], None], on_change: Callable[[], None]) -> None:
        self._publisher, self._cancel, self._on_change = publisher, cancel, on_change
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._parts: list[Any] = []
        self._button: Any = None
        self._display_id = ""
        self.is_started = self.is_heard = self.is_clicked = self._is_closed = False

    def start(self) -> None:
        """Make and try it, in a thread of its own: ipywidgets takes 0.1 s to import, and a frontend its time."""
        self.is_started = True
        threading.Thread(target=self._make, name="flash-cancel", daemon=True).start()

    def again(self) -> None:
        """The cell cleared its output: send the button again."""
        with self._lock:
            if self.is_heard and not self._is_closed:
                self._send()

    def close(self) -> None:
        """Take it off the page."""
        with self._lock:
            self._is_closed = True
            self._settled.set()
            self._withdraw()
            for part in self._parts:
                part.close()

    def _make(self) -> None:
        try:
            import ipywidgets
        except ImportError:
            return  # the card says how to interrupt
        with self._lock:
            if self._is_closed:
                return
            layout = ipywidgets.Layout(display="none", width="auto", height="1.9em")
            self._parts = [layout, ipywidgets.ButtonStyle()]
        for pause_s in PAUSES_S:
            if self._settled.wait(pause_s):
                return
            self._try(ipywidgets.Button)
            if self._settled.wait(ANSWER_S):
                return
            with self._lock:
                self._withdraw()

    def _try(self, button: Callable[..., Any]) -> None:
        """Send a button that nobody sees, and ask for an answer."""
        with self._lock:
            if self._is_closed:
                return
            layout, style = self._parts
            self._button = button(description="Cancel", layout=layout, style=style, _view_count=0)
            for widget in (self._button, layout, style):
                _listen_beside_the_main_thread(widget.comm)
            self._button.observe(self._seen, "_view_count")
            self._button.on_click(self._clicked)
            self._send()

    def _send(self) -> None:
        self._display_id = uuid.uuid4().hex
        view = {"version_major": 2, "version_minor": 0, "model_id": self._button.model_id}
        self._publisher.publish({"text/plain": TEXT, WIDGET_VIEW: view}, transient={"display_id": self._display_id})

    def _withdraw(self) -> None:
        """Empty its display, and end it on both sides."""
        button, self._button = self._button, None
        if button is None:
            return
        button.unobserve_all()
        button._view_count = None  # else its view says that it is gone, to nobody
        self._publisher.publish(NOTHING, transient={"display_id": self._display_id}, update=True)
        button.close()

    def _seen(self, change: Any) -> None:
        """A frontend has drawn the button, and its word of it was heard."""
        with self._lock:
            if self._is_closed or not change["new"] or self.is_heard:
                return
            self.is_heard = True
            self._settled.set()
            self._button.layout.display = ""
        self._on_change()

    def _clicked(self, _button: Any) -> None:
        with self._lock:
            if self._is_closed or self.is_clicked:
                return
            self.is_clicked = True
            self._button.disabled, self._button.description = True, "Cancelling"
        self._cancel()


def _listen_beside_the_main_thread(comm: Any) -> None:
    """Let what the frontend says come to the subshell that it names, on ipykernel 7.4.

    That version sends it to the thread which spoke last on the comm: the main one, which waits. Private, and the only
    way to a live button from a cell that blocks; where it is missing nothing is needed, or nothing helps.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default
