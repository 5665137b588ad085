"""What a publisher leads to, and a display that does not wait for what was printed before it.

ipykernel's publisher waits for its output thread twice before each display, so that the order on the page is kept:
half a millisecond of a short cell's five (measured 2026-11-22). Our card comes first in its cell, where nothing was
printed yet.

ipykernel finds the cell of an output by the thread that sends it, and has done so differently in every version; the
ticker's thread belongs to no cell. So the cell is remembered when its card is made.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Literal

from flash_jupyter.views.output import Publisher

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


def prompt(publisher: Publisher) -> Publisher:
    """Return a publisher that sends at once, where this one is ipykernel's own; else the publisher itself."""
    zmqshell = sys.modules.get("ipykernel.zmqshell")
    return PromptPublisher(publisher) if zmqshell and type(publisher) is zmqshell.ZMQDisplayPublisher else publisher


class PromptPublisher:
    """Publishes as `ZMQDisplayPublisher` does, but for the flush; with its help where somebody listens in between.

    Made while a cell runs, it publishes to that cell, from any thread.
    """

    def __init__(self, publisher: Any) -> None:
        self._publisher = publisher
        self._parent = publisher.parent_header

    def publish(
        self,
        data: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        *,
        transient: Mapping[str, Any] | None = None,
        update: bool = False,
    ) -> None:
        """Show a mime bundle of texts, or update the one whose `display_id` is in `transient`."""
        kernels = self._publisher
        if getattr(kernels, "_hooks", None) or getattr(kernels, "store_display_history", False):
            kernels.publish(data, metadata, transient=transient, update=update)
            return
        kind = "update_display_data" if update else "display_data"
        content = {"data": dict(data), "metadata": dict(metadata or {}), "transient": dict(transient or {})}
        message = kernels.session.msg(kind, content, parent=self._parent)
        kernels.session.send(kernels.pub_socket, message, ident=kernels.topic)

    def clear_output(self, wait: bool = False) -> None:
        """Clear the cell's output, in order with what was printed."""
        self._publisher.clear_output(wait)
