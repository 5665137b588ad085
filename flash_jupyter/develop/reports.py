"""What a server process tells its supervisor, one JSON object a line; from any thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO

#: `event` of a report -> when it is sent
EVENTS = {
    "provisioning": "an endpoint is looked for, made or changed: `text`",
    "making": "an endpoint is about to be made: `name`",
    "made": "it was made, by this process: `name`, `id`",
    "serving": "the server answers: `project`, `routes`, `backend`",
    "broken": "the project can't be served: `error`, as `--json` writes errors",
}


class Reporter:
    """The sending side."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def __call__(self, event: str, **fields: Any) -> None:
        """Send a report; nobody listens any more where the supervisor is gone."""
        line = json.dumps({"event": event, **fields}) + "\n"
        with self._lock:
            try:
                self._stream.write(line.encode())
                self._stream.flush()
            except OSError:
                return


def read_reports(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Yield reports until the sender is gone; half of one is none."""
    for line in stream:
        try:
            yield json.loads(line)
        except ValueError:
            return
