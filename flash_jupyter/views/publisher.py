"""Where displays go: to the cell that runs, to one that has ended, or nowhere that could be updated.

ipykernel finds the cell of an output by the thread that sends it, and has done so differently in every version; the
ticker's thread belongs to no cell, and a detached job outlives its own. So messages are made here as ipykernel makes
them, with the cell as their parent that ran when the publisher was made. Sending is safe from any thread.
"""

from __future__ import annotations

import io
import sys
import uuid
from collections.abc import Mapping
from typing import Any, Literal, Protocol, TextIO, cast

#: `live`: displays are updated in place; `lines`: they are printed, in a terminal; `recorded`: kept, by `%%capture`
Page = Literal["live", "lines", "recorded"]


def page_of(publisher: Publisher) -> Page:
    """Say what becomes of a display: IPython's own publisher prints text, updates too."""
    displaypub = sys.modules.get("IPython.core.displaypub")
    if displaypub is None:
        return "live"
    if isinstance(publisher, displaypub.CapturingDisplayPublisher):
        return "recorded"
    return "lines" if type(publisher) is displaypub.DisplayPublisher else "live"


class Publisher(Protocol):
    """The part of IPython's `DisplayPublisher` that views use."""

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
    ) -> None:
        """Show a mime bundle, or update the one whose `display_id` is in `transient`."""

    def clear_output(self, wait: bool = False) -> None:
        """Clear the cell's output, at once or with the next one."""


class Display:
    """One display, shown first, then updated in place."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher, self._id = publisher, ""

    def show(self, bundle: Mapping[str, Any]) -> None:
        """Show what it holds now."""
        is_shown, self._id = bool(self._id), self._id or uuid.uuid4().hex
        self._publisher.publish(bundle, transient={"display_id": self._id}, update=is_shown)


class CellPort:
    """Publishes to the cell that runs while this is made, whatever runs later."""

    def __init__(self, publisher: Any) -> None:
        self._publisher, self._parent = publisher, publisher.parent_header
        self.stdout = cast("TextIO", _PortStream(self, "stdout"))
        self.stderr = cast("TextIO", _PortStream(self, "stderr"))

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
        session = self._publisher.session
        message = session.msg(kind, dict(content), parent=self._parent)
        session.send(self._publisher.pub_socket, message, ident=self._publisher.topic)


class PromptPublisher(CellPort):
    """Publishes as `ZMQDisplayPublisher` does, but for the flush; with its help where somebody listens in between.

    ipykernel's publisher waits for its output thread twice before each display, so that the order on the page is kept:
    half a millisecond of a short cell's five (measured 2026-11-22). Our card comes first in its cell, where nothing was
    printed yet.
    """

    def publish(self, data: Mapping[str, Any], metadata: Mapping[str, Any] | None = None, **how: Any) -> None:
        """Show a mime bundle of texts, or update one."""
        kernels = self._publisher
        if getattr(kernels, "_hooks", None) or getattr(kernels, "store_display_history", False):
            kernels.publish(data, metadata, **how)
        else:
            super().publish(data, metadata, **how)

    def clear_output(self, wait: bool = False) -> None:
        """Clear the cell's output, in order with what was printed."""
        self._publisher.clear_output(wait)


class _PortStream(io.TextIOBase):
    """`stdout` or `stderr` of a cell."""

    def __init__(self, port: CellPort, name: str) -> None:
        self._port, self._name = port, name

    def write(self, text: str) -> int:
        """Send a piece of text."""
        if text:
            self._port.send("stream", {"name": self._name, "text": text})
        return len(text)


def prompt(publisher: Publisher) -> Publisher:
    """Return a publisher that sends at once, where this one is ipykernel's own; else the publisher itself."""
    zmqshell = sys.modules.get("ipykernel.zmqshell")
    return PromptPublisher(publisher) if zmqshell and type(publisher) is zmqshell.ZMQDisplayPublisher else publisher


def cell_port(publisher: Publisher) -> CellPort | None:
    """Return a port to the cell that runs; None where there are no cells, as in a terminal."""
    zmqshell = sys.modules.get("ipykernel.zmqshell")
    return CellPort(publisher) if zmqshell and isinstance(publisher, zmqshell.ZMQDisplayPublisher) else None
