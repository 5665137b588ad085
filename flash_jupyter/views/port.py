"""A way to one cell of a notebook that stays open after the cell has ended: for what a detached job says.

ipykernel sends what a thread prints to the cell that runs at that moment, and does so differently in every version.
So nothing here goes through `sys.stdout`: messages are made as ipykernel makes them, with the cell as their parent.
Sending is safe from any thread.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import Any, TextIO, cast

from flash_jupyter.views.output import Publisher


class CellPort:
    """Publishes to the cell that runs while this is made, whatever runs later."""

    def __init__(self, publisher: Any) -> None:
        self._session, self._socket, self._parent = publisher.session, publisher.pub_socket, publisher.parent_header
        self._topic = publisher.topic
        self.stdout = cast("TextIO", PortStream(self, "stdout"))
        self.stderr = cast("TextIO", PortStream(self, "stderr"))

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
    ) -> None:
        """Show a mime bundle, or update the one whose `display_id` is in `transient`."""
        content = {"data": dict(data), "metadata": dict(metadata or {}), "transient": dict(transient or {})}
        self.send("update_display_data" if update else "display_data", content)

    def clear_output(self, wait: bool = False) -> None:
        """Clear the cell's output, at once or with the next one."""
        self.send("clear_output", {"wait": wait})

    def send(self, kind: str, content: Mapping[str, Any]) -> None:
        """Send a message of the cell."""
        message = self._session.msg(kind, dict(content), parent=self._parent)
        self._session.send(self._socket, message, ident=self._topic)


class PortStream(io.TextIOBase):
    """`stdout` or `stderr` of the cell."""

    def __init__(self, port: CellPort, name: str) -> None:
        self._port, self._name = port, name

    def write(self, text: str) -> int:
        """Send a piece of text."""
        if text:
            self._port.send("stream", {"name": self._name, "text": text})
        return len(text)


def cell_port(publisher: Publisher) -> CellPort | None:
    """Return a port to the cell that runs; None where there are no cells, as in a terminal."""
    zmqshell = sys.modules.get("ipykernel.zmqshell")
    return CellPort(publisher) if zmqshell and isinstance(publisher, zmqshell.ZMQDisplayPublisher) else None
