from __future__ import annotations

import base64
import json
import os

import pytest

from flash_jupyter.worker.output import SAID_ANSWER_BYTES, Events

RUN = "0123456789abcdef"
ANSWERS: list[tuple[str, bytes, bool]] = [
    ("a small answer is said", b"\x00answer", True),
    ("the largest that is", b"x" * SAID_ANSWER_BYTES, True),
    ("a larger one is not", b"x" * (SAID_ANSWER_BYTES + 1), False),
    ("there is none", b"", False),
]


@pytest.mark.parametrize(("answer", "is_said"), [c[1:] for c in ANSWERS], ids=[c[0] for c in ANSWERS])
def test_the_last_event_is_one_line(answer: bytes, is_said: bool) -> None:
    read, write = os.pipe()
    events = Events(RUN, write)
    events.close(answer)
    os.close(write)
    with os.fdopen(read) as log:
        (line,) = log.read().splitlines()
    head, _, body = line.partition("{")
    said = {"answer": base64.b64encode(answer).decode()} if is_said else {}
    assert (head, json.loads("{" + body)) == (f"@FJ1:{RUN}:0:1/1:", {"t": "done", **said})
