"""The collector: a small process that outlives its kernel, and brings home what the kernel left open (D8).

    python -m flash_jupyter.session.collector        started by `keeper.py`, one a kernel, once a job lasts

It reads where things are, and the key, from its stdin; then it sleeps until that pipe is closed, which is the kernel's
end, however it came about. Only then it imports what it needs, follows the open jobs of that kernel until their results
are stored, and ends. While it sleeps it takes 10 MB and no time.
"""

from __future__ import annotations

import json
import os
import select
import sys
from typing import Any

#: children of a killed kernel may hold the pipe open: so its life is looked at as well, this often
LOOK_S = 10.0


def main() -> None:
    """Wait for the kernel's end, then collect."""
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):  # it ended before it could say anything
        return
    order = json.loads(line)
    wait_for_end(sys.stdin.fileno(), order["pid"])
    collect(order)


def wait_for_end(pipe: int, parent: int) -> None:
    """Return once the pipe is closed, or our parent is another process."""
    while os.getppid() == parent:
        readable, _, _ = select.select([pipe], [], [], LOOK_S)
        if readable and not os.read(pipe, 4096):
            return


def collect(order: dict[str, Any]) -> None:
    """Bring home what the session of `order` left open."""
    import asyncio

    from flash_jupyter.session.collect import collect_jobs, settings_of

    asyncio.run(collect_jobs(settings_of(order["settings"]), order["session_id"]))


if __name__ == "__main__":
    main()
