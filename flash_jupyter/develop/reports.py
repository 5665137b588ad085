"""What a server process tells its supervisor, one JSON object a line; from any thread.

`provisioning`: `text`. `made`: `name`, and `id`, which is None before the request. `serving`: `project`, `backend`,
`docs`, `routes`. `broken`: `error`, as `--json` writes errors.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, BinaryIO


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
