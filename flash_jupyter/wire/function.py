"""What a stock worker answers to a FunctionRequest (flash-wire reference, section 4.1).

The request is made in `session/shipping.py`, as text that is encoded once; there is no model of it.
"""

from __future__ import annotations

from typing import Any

from flash_jupyter.wire.control import Wire


class FunctionResponse(Wire):
    """`result` is a base64 pickle. A job is COMPLETED also where `success` is false; then `error` says why.

    A stock worker that does not find the function puts the message into `result` and leaves `error` empty.
    """

    success: bool
    result: str | None = None
    json_result: Any = None
    error: str | None = None
    stdout: str | None = None
