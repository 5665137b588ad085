"""A frontend that draws widgets, as far as a kernel can tell: the messages of JupyterLab 4.6, seen on its websocket."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
Message = dict[str, Any]


class Frontend:
    """One page with a kernel. With `subshells` it names one in every header, as JupyterLab does since 4.4.

    It keeps what comes: `displays` by display id, as they stand now, `comms` with the state of each widget.
    """

    def __init__(self, client: BlockingKernelClient, *, subshells: bool = True) -> None:
        self._client, self._subshells = client, subshells
        self._subshell: str | None = None
        self.displays: dict[str, Message] = {}
        self.shown: list[str] = []
        self.comms: dict[str, Message] = {}
        self.error = ""
        self.is_idle = False
        self._request = ""

    def execute(self, code: str) -> None:
        """Send a cell, as a notebook does."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True}
        self.is_idle = False
        self._request = self._send(self._client.shell_channel, "execute_request", content, {"cellId": "9f2c"})

    def until(self, holds: Callable[[], bool], *, within_s: float = 60) -> None:
        """Take messages until this holds."""
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, (self.shown, self.displays, self.comms, self.error)
            self.take(0.5)

    def take(self, timeout_s: float) -> None:
        """Take what comes next, if anything does."""
        try:
            message = self._client.get_iopub_msg(timeout=timeout_s)
        except Empty:
            return
        kind, content = message["msg_type"], message["content"]
        if kind in ("display_data", "update_display_data"):
            self.displays[content["transient"].get("display_id", "")] = content["data"]
            self.shown.append(content["data"].get("text/plain", ""))
        elif kind == "comm_open":
            self.comms[content["comm_id"]] = content["data"]["state"]
        elif kind == "comm_msg" and content["data"].get("method") == "update":
            self.comms[content["comm_id"]] |= content["data"]["state"]
        elif kind == "comm_close":
            self.comms.pop(content["comm_id"], None)
        elif kind == "error":
            self.error = f"{content['ename']}: {content['evalue']}"
        elif kind == "status" and message["parent_header"].get("msg_id") == self._request:
            self.is_idle = content["execution_state"] == "idle"

    # --- widgets --------------------------------------------------------------------------------------------------

    @property
    def view(self) -> str:
        """The model of the widget that stands in the outputs; empty where none does."""
        views = [data[WIDGET_VIEW]["model_id"] for data in self.displays.values() if WIDGET_VIEW in data]
        return views[-1] if views else ""

    @property
    def is_button_visible(self) -> bool:
        """Whether a button can be seen, and clicked."""
        model = self.comms.get(self.view)
        return model is not None and self.comms[model["layout"].removeprefix("IPY_MODEL_")]["display"] in ("", None)

    def make_subshell(self) -> None:
        """Ask for a thread of the kernel that answers widgets; where there is none their messages go to the main one."""
        self._send(self._client.control_channel, "create_subshell_request", {})
        reply = self._client.get_control_msg(timeout=30)
        self._subshell = reply["content"].get("subshell_id")

    def say_drawn(self) -> None:
        """Tell the view that stands in the outputs that it was drawn."""
        self._tell({"method": "update", "state": {"_view_count": 1}, "buffer_paths": []})

    def click(self) -> None:
        """Click on the button that stands in the outputs."""
        self._tell({"method": "custom", "content": {"event": "click"}})

    def _tell(self, data: Message) -> None:
        content = {"comm_id": self.view, "data": data}
        self._send(self._client.shell_channel, "comm_msg", content, subshell=self._subshell)

    def _send(
        self, channel: Any, kind: str, content: Message, metadata: Message | None = None, subshell: str | None = None
    ) -> str:
        message = self._client.session.msg(kind, content, metadata=metadata)
        if self._subshells:
            message["header"]["subshell_id"] = subshell
        channel.send(message)
        return str(message["header"]["msg_id"])
