"""What a frontend does with a panel's widgets, as messages: it opens comms, reports views, presses, chooses."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class Frontend:
    """Follows a kernel's output channel: the state of all widgets by id, and displays by their display id."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.widgets: dict[str, dict[str, Any]] = {}
        self.displays: dict[str, dict[str, Any]] = {}
        self.saved: list[str] = []
        self.texts: list[str] = []

    def execute(self, code: str, *, within_s: float = 60, allow_stdin: bool = True) -> None:
        """Run a cell to its end; what it displays is `saved`, as display ids in order."""
        self.saved, self.texts = [], []
        message = self._client.execute(code, allow_stdin=allow_stdin)
        self._until(lambda one: _is_idle(one, message), within_s)

    def wait(self, condition: Any, *, within_s: float = 60) -> Any:
        """Read messages until the condition gives something."""
        deadline = time.monotonic() + within_s
        while not (found := condition()):
            assert time.monotonic() < deadline, f"it did not happen; {self.texts}"
            self._read(0.2)
        return found

    def drain(self, seconds: float) -> None:
        """Read what comes in this time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def table(self) -> str:
        """The panel's text as it is shown now."""
        return str(self.displays[self.saved[0]]["text/plain"])

    def controls(self) -> dict[str, Any]:
        """The bundle of the buttons."""
        return self.displays[self.saved[1]]

    def look_at_it(self) -> None:
        """Say that the panel is on a page, as a frontend does that shows it."""
        self.send(self.controls()[WIDGET_VIEW]["model_id"], {"method": "update", "state": {"_view_count": 1}})

    def press(self, text: str, nth: int = -1) -> None:
        names = [key for key, values in self.widgets.items() if values.get("description") == text]
        self.send(names[nth], {"method": "custom", "content": {"event": "click"}})

    def choose(self, text: str) -> None:
        """Take the option of this text, in whichever dropdown has it."""
        found = [key for key, values in self.widgets.items() if text in values.get("_options_labels", ())]
        index = self.widgets[found[-1]]["_options_labels"].index(text)
        self.send(found[-1], {"method": "update", "state": {"index": index}})

    def send(self, widget: str, data: dict[str, Any]) -> None:
        content = {"comm_id": widget, "data": {**data, "buffer_paths": []}}
        self._client.shell_channel.send(self._client.session.msg("comm_msg", content))

    def said(self) -> str:
        """The line under the buttons, as HTML."""
        lines = [values["value"] for values in self.widgets.values() if values["_model_name"] == "HTMLModel"]
        return str(lines[-1])

    def _until(self, is_last: Any, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while (left := deadline - time.monotonic()) > 0:
            message = self._read(left)
            if message is not None and is_last(message):
                return
        raise AssertionError("the cell did not end")

    def _read(self, within_s: float) -> dict[str, Any] | None:
        try:
            message: dict[str, Any] = self._client.get_iopub_msg(timeout=within_s)
        except Empty:
            return None
        kind, content = message["msg_type"], message["content"]
        if kind == "comm_open":
            self.widgets[content["comm_id"]] = dict(content["data"]["state"])
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.widgets[content["comm_id"]].update(content["data"]["state"])
        elif kind == "comm_close":
            self.widgets.pop(content["comm_id"], None)
        elif kind in ("display_data", "update_display_data"):
            key = content["transient"].get("display_id") or f"anonymous {len(self.saved)}"
            self.displays[key] = content["data"]
            if kind == "display_data":
                self.saved.append(key)
        elif kind in ("stream", "error"):
            self.texts.append(str(content))
        return message


def _is_idle(message: dict[str, Any], parent: str) -> bool:
    return bool(
        message["msg_type"] == "status"
        and message["content"]["execution_state"] == "idle"
        and message["parent_header"].get("msg_id") == parent
    )
