"""A frontend, as far as a kernel can tell: the messages of JupyterLab 4.6, seen on its websocket."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

Message = dict[str, Any]


class Frontend:
    """One page with a kernel. It names a subshell in every header, as JupyterLab does since 4.4.

    It keeps what comes: `displays` by display id, as they stand now, `comms` with the state of each widget.
    """

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
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

    def _send(self, channel: Any, kind: str, content: Message, metadata: Message | None = None) -> str:
        message = self._client.session.msg(kind, content, metadata=metadata)
        message["header"]["subshell_id"] = None
        channel.send(message)
        return str(message["header"]["msg_id"])
